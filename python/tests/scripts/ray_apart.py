"""A job on nodes that may share nothing: each task writes a file on its node, with the task's id in its name.

    ray_apart.py OUT SAID [job|task WHEEL]

What each has written is in SAID: task, node and content. With a wheel each imports what that has, which the job's environment installs or its own.
"""

import json
import os
import sys

import ray

OUT, SAID, *INSTALLED = sys.argv[1:]


@ray.remote
def work(number):
    if INSTALLED:
        import only_in_the_wheel  # noqa: F401
    task = ray.get_runtime_context().get_task_id()
    content = f"{number} of {os.uname().nodename}"
    with open(f"{OUT}/direct-{task}", "w") as file:
        file.write(content)
    return task, os.uname().nodename, content


def main(how=None, wheel=None):
    pip = {"pip": [wheel]}
    ray.init(address=os.environ["CLUSTER"], runtime_env=pip if how == "job" else None)
    nodes = [node for node in ["one", "two"] if node in ray.cluster_resources()]
    options = {"runtime_env": pip} if how == "task" else {}
    made = [work.options(resources={nodes[number % len(nodes)]: 1}, **options).remote(number) for number in range(20)]
    with open(SAID, "w") as file:
        json.dump(ray.get(made), file)
    ray.shutdown()


main(*INSTALLED)
