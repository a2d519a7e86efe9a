"""Workers that multiprocessing starts anew (the spawn method), and threads within one."""

import concurrent.futures
import multiprocessing


def copy(number):
    with open(f"in{number}") as source, open(f"out{number}", "w") as target:
        target.write(source.read())
    return number


def copy_in_threads(first):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return sum(pool.map(copy, range(first, first + 4)))


if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=copy_in_threads, args=(1,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
