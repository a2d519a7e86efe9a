"""A job on a Ray that runs already: every file that a task writes has the task's id in its name.

    ray_cluster.py OUT [killed|removed READY GO|waits READY GO]
"""

import os
import signal
import sys

import ray

OUT = sys.argv[1]
NODES = ["one", "two"]


def own():
    return ray.get_runtime_context().get_task_id()


def write(kind, task):
    with open(f"{OUT}/{kind}-{task}", "w") as file:
        file.write(kind + task)
    return f"{OUT}/{kind}-{task}"


@ray.remote(max_retries=0)
def work(number):
    with open(f"{OUT}/in-{number % 5}.txt") as file:
        file.read()
    return write("direct", own()), os.environ["USERS_OWN"]


@ray.remote
def join(paths):
    for path in paths:
        with open(path) as file:
            file.read()
    return write("joined", own())


@ray.remote(max_restarts=0)
class Actor:
    def method(self):
        return write("method", own())


@ray.remote
def make_parts():
    import pyarrow
    import pyarrow.parquet

    os.makedirs(f"{OUT}/set/in")
    for number in range(4):
        pyarrow.parquet.write_table(pyarrow.table({"n": [number]}), f"{OUT}/set/in/{number}.parquet")


def mark(batch):
    write(f"mapped{batch['n'][0]}", own())
    return batch


def work_on_sets():
    import ray.data

    ray.get(make_parts.remote())
    read = ray.data.read_parquet(f"{OUT}/set/in", override_num_blocks=4)
    read.map_batches(mark, batch_size=1).write_parquet(f"{OUT}/set/out")


@ray.remote(max_retries=0)
def die():
    write("dying", own())
    os.kill(os.getpid(), signal.SIGKILL)


@ray.remote(max_retries=0)
def stay(ready):
    write("staying", own())
    with open(ready, "w") as pipe:
        pipe.write("x")
    signal.pause()


def main(how=None, *pipes):
    ray.init(address=os.environ["CLUSTER"], runtime_env={"env_vars": {"USERS_OWN": "kept"}}, log_to_driver=False)
    os.makedirs(OUT, exist_ok=True)
    for number in range(5):
        with open(f"{OUT}/in-{number}.txt", "w") as file:
            file.write(f"{number}\n")
    count = 200 if how is None else 10
    made = ray.get([work.options(resources={NODES[number % 2]: 1}).remote(number) for number in range(count)])
    assert {kept for _, kept in made} == {"kept"}
    actors = [Actor.options(resources={node: 0.1}).remote() for node in NODES]
    ray.get([actor.method.remote() for actor in actors for _ in range(3)])
    ray.get(join.options(resources={"one": 1}).remote([path for path, _ in made]))
    if how is None:
        work_on_sets()
    if how == "killed":
        lose(die.options(resources={"two": 1}).remote())
    if how == "removed":
        ready, go = pipes
        lost = stay.options(resources={"two": 1}).remote(ready)
        with open(go) as pipe:
            pipe.read()
        lose(lost)
    if how == "waits":
        ready, go = pipes
        with open(ready, "w") as pipe:
            pipe.write("x")
        with open(go) as pipe:
            pipe.read()
    ray.shutdown()


def lose(task):
    try:
        ray.get(task)
    except ray.exceptions.RayError:
        return
    raise AssertionError("the task ended well")


main(*sys.argv[2:])
