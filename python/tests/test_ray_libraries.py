"""Ray Data, Tune and Train: what their tasks make is of those tasks, on local disk and in S3."""

import pytest

from test_objects import Bucket, server  # noqa: F401


def made_by_tasks(record, out, kinds, method=None):
    """Checks that what has the id of a task or of an actor in its name is of that task or of one method of that actor alone, and
    returns which of it there is.
    """
    made = {str(path): path.name.partition("-") for path in out.iterdir() if path.name.startswith(kinds)}
    written = record.doers("output")
    tasks = {task["id"]: task for task in record.tasks}
    wrong = {}
    for path, (_, _, doer) in made.items():
        doers = [(tasks[task], is_shared) for task, is_shared in written.get(path, [])]
        of_task = [(task["id"], is_shared) for task, is_shared in doers]
        of_actor = [(task["actor"], is_shared) for task, is_shared in doers if method is not None and method in task["name"]]
        if (of_task if method is None else of_actor) != [(doer, False)] or len(doers) != 1:
            wrong[path] = doers
    assert wrong == {}
    return sorted(kind for kind, _, _ in made.values())


def names_of(record, ids):
    names = {task["id"]: task["name"] for task in record.tasks}
    return {names[task] for task in ids}


def check_marks(record, out):
    assert made_by_tasks(record, out, ("map",)) == ["map0", "map10", "map20", "map30"]
    # Ray Data runs what an actor is given in a thread of its own, for its method.
    assert made_by_tasks(record, out, ("actor",), "submit") == ["actor0", "actor10", "actor20", "actor30"]


def test_sets_of_ray_data_are_of_the_tasks_that_read_and_write_them(project):
    out = project.folder / "out"
    record = project.run("ray_libraries.py", str(out), "data", backend="preload")
    check_marks(record, out)
    written, read = record.doers("output"), record.doers("input")
    sets = [str(path) for path in (out / "set/out").rglob("*.parquet")]
    assert sets
    for path in sets:
        [(task, is_shared)] = written[path]
        assert not is_shared and "Write" in names_of(record, [task]).pop()
    for number in range(4):
        assert read[str(out / f"set/in/{number}.parquet")], f"nobody has read {number}"


def test_sets_of_ray_data_in_s3_are_of_the_tasks_that_read_and_write_them(project, server):  # noqa: F811
    bucket = Bucket(server, "raydata", False)
    out = project.folder / "out"
    record = project.run("ray_libraries.py", str(out), "data", backend="preload", S3="raydata/set", **bucket.variables)
    check_marks(record, out)
    # Ray Data has directories made, which are empty objects: nothing.
    assert bucket.recorded(record, "output") == {found for found in bucket.listed() if not found[0].endswith("/")}
    assert bucket.recorded(record, "input") == set()
    tasks = {object["url"]: object["tasks"] for object in record.report["objects"]}
    for url, ids in tasks.items():
        if "/set/out/" in url:
            [task] = ids
            assert "Write" in names_of(record, [task]).pop(), (url, ids)
        else:
            # The driver, which is no task, has written it.
            assert ids, url


def test_a_trial_of_tune_is_a_task(project):
    out = project.folder / "out"
    record = project.run("ray_libraries.py", str(out), "tune", backend="preload")
    assert made_by_tasks(record, out, ("trial",), "train") == ["trial1", "trial2", "trial3"]


def test_the_loop_of_train_is_of_a_task_of_its_worker(project):
    out = project.folder / "out"
    record = project.run("ray_libraries.py", str(out), "train", backend="preload", RAY_TRAIN_V2_ENABLED="1")
    # The loop runs in a thread, and the method that began it has returned.
    assert made_by_tasks(record, out, ("rank",), "") == ["rank0", "rank1"]
