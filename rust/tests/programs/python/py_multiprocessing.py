"""A pool of forked workers, each of which copies files."""

import multiprocessing


def copy(number):
    with open(f"in{number}") as source, open(f"out{number}", "w") as target:
        target.write(source.read())
    return number


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert sum(pool.map(copy, range(1, 21))) == 210
