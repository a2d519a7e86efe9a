"""A program that is submitted to a cluster: every file that a task writes has the task's id in its name.

    ray_submitted.py OUT [waits FIFO|killed]

It has a runtime environment of its own beside the one that it is submitted with.
"""

import os
import signal
import sys

import ray

OUT, HOW = sys.argv[1], sys.argv[2:]


def write(kind, task):
    with open(f"{OUT}/{kind}-{task}", "w") as file:
        file.write(kind + task)


@ray.remote
def work(number):
    with open("data.txt") as file:
        assert file.read() == "of the working directory"
    with open(f"{OUT}/in-{number % 5}.txt") as file:
        file.read()
    write("direct", ray.get_runtime_context().get_task_id())
    return os.environ["SUBMITTED"], os.environ["INITIAL"]


os.makedirs(OUT, exist_ok=True)
for number in range(5):
    with open(f"{OUT}/in-{number}.txt", "w") as file:
        file.write(f"{number}\n")
ray.init(runtime_env={"env_vars": {"INITIAL": "2"}})
assert set(ray.get([work.remote(number) for number in range(20)])) == {("1", "2")}
if HOW[:1] == ["waits"]:
    with open(HOW[1]) as pipe:
        pipe.read()
if HOW == ["killed"]:
    # As the cluster does when it is told to stop a job: the driver's tracer dies with it.
    os.killpg(0, signal.SIGKILL)
