"""A job on nodes that may share nothing: each task writes a file on its node, with the task's id in its name.

    ray_apart.py OUT SAID

What each has written is in SAID: task, node and content.
"""

import json
import os
import sys

import ray

OUT, SAID = sys.argv[1:]


@ray.remote
def work(number):
    task = ray.get_runtime_context().get_task_id()
    content = f"{number} of {os.uname().nodename}"
    with open(f"{OUT}/direct-{task}", "w") as file:
        file.write(content)
    return task, os.uname().nodename, content


ray.init(address=os.environ["CLUSTER"])
nodes = [node for node in ["one", "two"] if node in ray.cluster_resources()]
said = ray.get([work.options(resources={nodes[number % len(nodes)]: 1}).remote(number) for number in range(20)])
with open(SAID, "w") as file:
    json.dump(said, file)
ray.shutdown()
