"""Ranks and workers that runners start: each reads a file of its own and writes one.

    runners.py OUT elastic|mpirun|fork|spawn|forkserver|dask

Every file has the number of the process in its name that wrote it, and what was read in its text.
"""

import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import sys

RANKS = 4


def work(out, number):
    """Takes one file, has a child take another, and makes of them one that names who made it."""
    text = (out / f"in-{number}").read_text()
    child = subprocess.run(["cat", out / f"shared-{number}"], capture_output=True, check=True).stdout.decode()
    with open(out / f"out-{number}-{os.getpid()}", "w") as file:
        file.write(text + child)
    return os.getpid()


def rank(out):
    """Runs as one rank, whose number the runner has put into the environment."""
    names = ("RANK", "OMPI_COMM_WORLD_RANK")
    number = int(next(os.environ[name] for name in names if name in os.environ))
    if "OMPI_COMM_WORLD_RANK" in os.environ:
        from mpi4py import MPI

        # All meet, so that each is there at once with the others.
        assert MPI.COMM_WORLD.allreduce(1) == RANKS
    work(out, number)


def elastic(out):
    """Starts ranks as torchrun's elastic agent does: a Python of its own in a session of its own, with the rank in the environment.

    A rank that fails has the whole group started again, as torchrun has it with --max-restarts.
    """
    for attempt in range(2):
        ranks = []
        for number in range(RANKS):
            names = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": RANKS, "TORCHELASTIC_RESTART_COUNT": attempt}
            variables = {**os.environ, **{name: str(value) for name, value in names.items()}}
            command = [sys.executable, "-u", __file__, str(out), "rank"]
            ranks.append(subprocess.Popen(command, env=variables, start_new_session=True))
        if attempt == 0:
            # One is lost; the others are ended.
            ranks[0].wait()
            for process in ranks:
                process.send_signal(signal.SIGTERM)
        for process in ranks:
            process.wait()


def mpirun(out):
    program = pathlib.Path(sys.executable).with_name("mpirun")
    options = ["--allow-run-as-root", "--oversubscribe", "-n", str(RANKS)]
    found = program if program.exists() else shutil.which("mpirun")
    subprocess.run([found, *options, sys.executable, __file__, str(out), "rank"], check=True)


def pool(out, start):
    with multiprocessing.get_context(start).Pool(2) as workers:
        workers.starmap(work, [(out, number) for number in range(RANKS)], chunksize=1)


def dask(out):
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster) as client:
        client.gather([client.submit(work, out, number, pure=False) for number in range(RANKS)])


def main(out, how):
    if how == "rank":
        return rank(out)
    {"elastic": elastic, "mpirun": mpirun, "dask": dask}.get(how, lambda out: pool(out, how))(out)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
