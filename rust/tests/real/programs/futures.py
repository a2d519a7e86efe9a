"""Files copied by threads and by processes of concurrent.futures, and a block of shared memory."""

import shutil
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import Process, shared_memory


def copy(number):
    shutil.copy(f"in/{number}", f"out/{number}")
    return number


def fill(name):
    block = shared_memory.SharedMemory(name=name)
    block.buf[0] = 7
    block.close()


if __name__ == "__main__":
    with ThreadPoolExecutor(8) as executor:
        print(sum(executor.map(copy, range(50))))
    with ProcessPoolExecutor(8) as executor:
        print(sum(executor.map(copy, range(50, 100))))
    block = shared_memory.SharedMemory(create=True, size=4096)
    process = Process(target=fill, args=(block.name,))
    process.start()
    process.join()
    print(block.buf[0])
    block.close()
    block.unlink()
