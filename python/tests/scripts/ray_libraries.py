"""Ray Data, Tune and Train on a Ray of its own: ray_libraries.py OUT data|tune|train.

What a task makes for itself has the id that Ray gives there in its name, that of the task or that of its actor. The sets of Ray Data are in OUT, or in S3 where the environment
names a place there.
"""

import os
import sys

import ray

OUT, WHICH = sys.argv[1], sys.argv[2]


def own():
    return ray.get_runtime_context().get_task_id()


def own_actor():
    """Returns what names the caller where a library runs it in a thread of its own: there Ray makes up the id of a task that is none."""
    return ray.get_runtime_context().get_actor_id()


def write(kind, task):
    with open(f"{OUT}/{kind}-{task}", "w") as file:
        file.write(kind + task)


def data():
    import pyarrow
    import pyarrow.parquet

    where, system = f"{OUT}/set", None
    if "S3" in os.environ:
        import pyarrow.fs

        where, system = os.environ["S3"], pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    else:
        os.makedirs(f"{where}/in")
    for number in range(4):
        table = pyarrow.table({"n": [number * 10 + row for row in range(10)]})
        pyarrow.parquet.write_table(table, f"{where}/in/{number}.parquet", filesystem=system)

    def mark(batch):
        write(f"map{batch['n'][0]}", own())
        return batch

    class Marking:
        def __call__(self, batch):
            write(f"actor{batch['n'][0]}", own_actor())
            return batch

    read = ray.data.read_parquet(f"{where}/in", filesystem=system, override_num_blocks=4)
    pool = ray.data.ActorPoolStrategy(size=2)
    marked = read.map_batches(mark, batch_size=10).map_batches(Marking, batch_size=10, compute=pool)
    marked.write_parquet(f"{where}/out", filesystem=system)


def tune():
    from ray import tune

    def trial(config):
        write(f"trial{config['a']}", own_actor())
        tune.report({"score": config["a"]})

    storage = tune.RunConfig(storage_path=f"{OUT}/storage", verbose=0)
    results = tune.Tuner(trial, param_space={"a": tune.grid_search([1, 2, 3])}, run_config=storage).fit()
    assert not results.errors, results.errors


def train():
    from ray import train
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    def loop():
        rank = train.get_context().get_world_rank()
        write(f"rank{rank}", own_actor())
        train.report({"rank": rank})

    run = train.RunConfig(storage_path=f"{OUT}/storage", name="run")
    DataParallelTrainer(loop, scaling_config=train.ScalingConfig(num_workers=2), run_config=run).fit()


os.makedirs(OUT, exist_ok=True)
ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
{"data": data, "tune": tune, "train": train}[WHICH]()
ray.shutdown()
