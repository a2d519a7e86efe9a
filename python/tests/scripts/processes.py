"""Processes that a pool of the standard library or Dask starts, each of which writes a file that has its number in its name."""

import multiprocessing
import os
import pathlib
import sys
import time

OUT = pathlib.Path(sys.argv[2])


def work(number):
    (OUT / f"{number}-{os.getpid()}").write_text("x")
    time.sleep(0.05)
    return number


def standard(start):
    with multiprocessing.get_context(start).Pool(2) as pool:
        pool.map(work, range(6), chunksize=1)


def dask():
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.gather(client.map(work, range(6), pure=False))


if __name__ == "__main__":
    OUT.mkdir()
    if sys.argv[1] == "dask":
        dask()
    else:
        standard(sys.argv[1])
