"""A job on a Ray of its own, in which every file that a task writes or reads for itself has the task's id in its name.

What Ray says of ids in the task is the truth that the record is held against.
"""

import asyncio
import concurrent.futures
import os
import subprocess
import sys
import threading
import time

import ray

OUT = sys.argv[1]


def own():
    return ray.get_runtime_context().get_task_id()


def write(kind, task):
    with open(f"{OUT}/{kind}-{task}", "w") as file:
        file.write(kind + task)


@ray.remote
def work(number):
    task = own()
    with open(f"{OUT}/in-{number % 3}.txt") as file:
        file.read()
    write("direct", task)
    subprocess.run(["cp", f"{OUT}/in-0.txt", f"{OUT}/child-{task}"], check=True)
    thread = threading.Thread(target=write, args=("thread", task))
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(write, "pool", task).result()
    return f"{OUT}/direct-{task}"


@ray.remote
def join(paths):
    task = own()
    for path in paths:
        with open(path) as file:
            file.read()
    write("joined", task)
    return ray.get(nested.remote())


@ray.remote
def nested():
    write("nested", own())


@ray.remote
class Actor:
    def __init__(self):
        write("init", own())

    def method(self):
        write("method", own())

    def generate(self):
        for number in range(3):
            write(f"generated{number}", own())
            yield number


@ray.remote(max_concurrency=4)
class Threaded:
    def method(self):
        task = own()
        write("before", task)
        time.sleep(0.05)
        write("after", task)
        subprocess.run(["cp", f"{OUT}/in-0.txt", f"{OUT}/child-{task}"], check=True)


@ray.remote
class Asynchronous:
    async def method(self):
        task = own()
        write("before", task)
        await asyncio.sleep(0.05)
        write("after", task)
        await asyncio.create_task(self.later(task))
        await asyncio.to_thread(write, "tothread", task)

    async def later(self, task):
        write("later", task)

    def synchronous(self):
        write("synchronous", own())


def main():
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    for number in range(3):
        with open(f"{OUT}/in-{number}.txt", "w") as file:
            file.write(f"{number}\n")
    ray.get(join.remote(ray.get([work.remote(number) for number in range(10)])))
    actor, threaded, asynchronous = Actor.remote(), Threaded.remote(), Asynchronous.remote()
    ray.get([actor.method.remote() for _ in range(2)])
    for _ in actor.generate.options(num_returns="streaming").remote():
        pass
    ray.get([threaded.method.remote() for _ in range(8)])
    ray.get([asynchronous.method.remote() for _ in range(6)])
    ray.get(asynchronous.synchronous.remote())
    ray.shutdown()


os.makedirs(OUT, exist_ok=True)
main()
