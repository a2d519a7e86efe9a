"""What roar costs a Ray job: tasks that do nothing, bare and under each tracer in turn, in one run.

    python python/benches/ray_tasks.py [ROUNDS] [TRACER…]

Prints for each kind of task its time (µs) and how many times the bare one that is, the same of the processor time that all processes of the job
take for it, which says more on a machine that others use, and for the whole job how much longer it takes: medians of the rounds. The Ray is one that the job starts itself, and for `cluster` one that runs already.
"""

import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

ROAR = pathlib.Path(sys.prefix, "bin/roar")
# How many of each kind are timed together, and how often: a machine that others use too slows down within seconds.
KINDS = {"task": 500, "sequential": 60, "actor": 1000}
TIMES = 7


def job(out):
    """The job: says how long each kind took, in seconds."""
    import ray

    ray.init(num_cpus=None if "CLUSTER" in os.environ else 2, address=os.environ.get("CLUSTER", "local"), log_to_driver=False)

    @ray.remote
    def nothing():
        pass

    @ray.remote
    class Actor:
        def nothing(self):
            pass

    actor = Actor.remote()
    do = {
        "task": lambda count: ray.get([nothing.remote() for _ in range(count)]),
        "sequential": lambda count: [ray.get(nothing.remote()) for _ in range(count)],
        "actor": lambda count: ray.get([actor.nothing.remote() for _ in range(count)]),
    }
    took = {}
    for kind, count in KINDS.items():
        # Workers have to be there.
        do[kind](100)
        passes = []
        busy = processor_time()
        for _ in range(TIMES):
            started = time.perf_counter()
            do[kind](count)
            passes.append((time.perf_counter() - started) / count)
        took[kind] = statistics.median(passes)
        took[f"{kind} cpu"] = (processor_time() - busy) / count / TIMES
    ray.shutdown()
    pathlib.Path(out).write_text(json.dumps(took))


def processor_time():
    """Of this process and what it has started, seconds."""
    own = psutil.Process()
    total = 0
    for process in [own, *own.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextlib.contextmanager
def cluster(variables):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [pathlib.Path(sys.prefix, "bin/ray"), "start", "--head", f"--port={port}", "--num-cpus=2", "--disable-usage-stats", "--block"]
    with subprocess.Popen(start, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        while subprocess.run([sys.executable, "-c", PROBE, f"127.0.0.1:{port}"], env=variables, capture_output=True).returncode:
            assert head.poll() is None, "Ray does not start"
        try:
            yield f"127.0.0.1:{port}"
        finally:
            started = psutil.Process(head.pid).children(recursive=True)
            head.terminate()
            for process in psutil.wait_procs(started, 10)[1]:
                process.kill()


# Ends well once a Ray runs at an address.
PROBE = "import ray, sys; ray.init(sys.argv[1])"


def measure(prefix, folder, variables):
    out = folder / "took.json"
    started = time.perf_counter()
    subprocess.run([*prefix, sys.executable, __file__, "job", out], cwd=folder, env=variables, check=True, capture_output=True)
    return {**json.loads(out.read_text()), "job": time.perf_counter() - started}


def compare(ways, rounds, folder, variables):
    times = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, prefix in ways.items():
            measured = measure(prefix, folder, variables)
            # The first round fills caches.
            if number:
                times[name].append(measured)
    medians = {name: {kind: statistics.median(one[kind] for one in measured) for kind in measured[0]} for name, measured in times.items()}
    for name, median in medians.items():
        bare = medians["bare"]
        # On a cluster that runs already the workers are no children of the job's.
        shown = [*KINDS, *(f"{kind} cpu" for kind in KINDS if "CLUSTER" not in variables)]
        kinds = [f"{kind} {median[kind] * 1e6:.0f} µs ({median[kind] / bare[kind]:.2f})" for kind in shown]
        print(f"  {name:8} {', '.join(kinds)}, job {median['job']:.2f} s (+{median['job'] - medians['bare']['job']:.2f} s)", flush=True)


def main(rounds=5, *tracers):
    tracers = tracers or (["preload", "ebpf", "ptrace"] if os.geteuid() == 0 else ["preload", "ptrace"])
    ways = {"bare": [], **{name: [ROAR, "run", "--tracer", name, "--no-tracer-fallback"] for name in tracers}}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        variables = {**os.environ, "HOME": str(folder), "RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": ""}
        subprocess.run([ROAR, "init", "-n"], cwd=folder, env=variables, check=True, capture_output=True)
        print("a Ray that the job starts")
        compare(ways, int(rounds), folder, variables)
        with cluster(variables) as address:
            print("a Ray that runs already")
            compare(ways, int(rounds), folder, {**variables, "CLUSTER": address})


if __name__ == "__main__":
    job(*sys.argv[2:]) if sys.argv[1:2] == ["job"] else main(*sys.argv[1:])
