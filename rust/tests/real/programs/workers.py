"""A hundred processes, each of which reads a file and writes one: `workers.py fork|spawn|forkserver pool|processes`."""

import multiprocessing
import sys


def work(number):
    with open(f"in/{number}") as source:
        text = source.read()
    with open(f"out/{number}", "w") as target:
        target.write(text.upper())
    return number


if __name__ == "__main__":
    method, shape = sys.argv[1:]
    context = multiprocessing.get_context(method)
    if shape == "pool":
        with context.Pool(100) as pool:
            print(sum(pool.map(work, range(100), chunksize=1)))
            pool.close()
            pool.join()
    else:
        processes = [context.Process(target=work, args=(number,)) for number in range(100)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        print([process.exitcode for process in processes] == [0] * 100)
