"""A Ray of two nodes that runs before roar does: its workers have tracers of their own."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from conftest import ROAR, SCRIPTS, Record
from heads import BUCKETS, bucket  # noqa: F401


@pytest.fixture
def stores(bucket):  # noqa: F811
    """The variables by which each store is chosen."""
    endpoint = bucket.meta.endpoint_url
    return {"auto": {}, "ray": {"ROAR_RAY_STORE": "ray"}, "s3": {"ROAR_RAY_STORE": "s3://pieces", "ROAR_RAY_S3_ENDPOINT": endpoint, **BUCKETS}}


@pytest.fixture
def cluster(monkeypatch):
    for name, value in {"RAY_AUTH_MODE": "disabled", **BUCKETS}.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "resources": {"one": 2}})
    cluster.two = cluster.add_node(num_cpus=2, resources={"two": 2})
    yield cluster
    cluster.shutdown()


def made_by_tasks(out):
    return {str(path): path.name.rsplit("-", 1)[1] for path in out.glob("*-*") if not path.name.startswith("in-")}


def check_tasks(record, out):
    written = record.doers("output")
    made = made_by_tasks(out)
    assert {path: written.get(path) for path, task in made.items() if written.get(path) != [(task, False)]} == {}
    [joined] = out.glob("joined-*")
    readers = record.doers("input")
    joiner = [(joined.name.rsplit("-", 1)[1], False)]
    assert {path for path in made if "/direct-" in path and readers.get(path) != joiner} == set()
    hashed = {file["path"] for file in record.report["files"] if file["role"] == "output" and file["hash"]}
    assert set(made) <= hashed
    # The driver wrote what the tasks read: none of it is from before the job.
    assert not [file["path"] for file in record.report["files"] if file["role"] == "input" and file["path"].startswith(str(out))]


# What workers are traced by unless somebody says otherwise, and what they fall back to.
@pytest.mark.parametrize(("store", "backend"), [("auto", "preload"), ("ray", "preload"), ("auto", "ptrace")])
def test_every_file_of_both_nodes_is_of_its_task(project, cluster, stores, store, backend):
    out = project.folder / "out"
    record = project.run("ray_cluster.py", str(out), backend=backend, CLUSTER=cluster.address, **stores[store])
    assert len(made_by_tasks(out)) == 200 + 6 + 1 + 4
    check_tasks(record, out)
    # Of Ray Data: who writes the parts of a set has read what the tasks before have made.
    parts = [str(path) for path in (out / "set").rglob("*.parquet")]
    written = record.doers("output")
    names = {task["id"]: task["name"] for task in record.tasks}
    assert len(parts) > 4 and all(not is_shared for path in parts for _, is_shared in written[path])
    assert {len(written[path]) for path in parts} == {1}
    assert all("Write" in names[task] for path in parts if "/set/out/" in path for task, _ in written[path])
    assert len({task["node"] for task in record.tasks}) == 2
    assert record.report["coverage"]["complete"], record.report["coverage"]


@pytest.mark.parametrize("store", ["auto", "ray"])
def test_what_a_killed_worker_did_is_kept_and_its_task_has_no_end(project, cluster, stores, store):
    out = project.folder / "out"
    record = project.run("ray_cluster.py", str(out), "killed", backend="preload", CLUSTER=cluster.address, **stores[store])
    check_tasks(record, out)
    [dying] = [task for task in record.tasks if task["name"] == "die"]
    assert dying["ended_ns"] is None


@pytest.mark.parametrize("store", ["auto", "ray", "s3"])
def test_what_a_lost_node_did_is_kept_and_the_gap_is_named(project, cluster, stores, store, tmp_path):
    out, ready, go = project.folder / "out", tmp_path / "ready", tmp_path / "go"
    with start(project, cluster, stores[store], out, "removed", ready, go) as running:
        ready.read_text()
        if store != "auto":
            # docs/ray.md says how much a lost node may take along.
            time.sleep(2)
        lose(cluster)
        go.write_text("x")
        assert running.wait(60) == 0
    record = Record(project.last())
    check_tasks(record, out)
    [staying] = [task for task in record.tasks if task["name"] == "stay"]
    assert staying["ended_ns"] is None
    gaps = [gap["detail"] for gap in record.report["coverage"]["gaps"] if gap["kind"] == "tracer_died"]
    assert gaps and all("node was lost" in gap for gap in gaps)


@pytest.mark.parametrize("store", ["auto", "ray"])
def test_what_workers_did_is_recorded_by_the_next_run_where_roar_was_killed(project, cluster, stores, store, tmp_path):
    out, ready, go = project.folder / "out", tmp_path / "ready", tmp_path / "go"
    with start(project, cluster, stores[store], out, "waits", ready, go) as running:
        ready.read_text()
        tracers = psutil.Process(running.pid).children()
        running.kill()
        go.write_text("x")
    assert not psutil.wait_procs(tracers, 60)[1]
    project.call(ROAR, "run", "true", **stores[store])
    jobs = json.loads(project.call(ROAR, "log", "--json").stdout)["jobs"]
    [job] = [job for job in jobs if "waits" in job["command"]]
    check_tasks(Record(json.loads(project.call(ROAR, "show", job["id"], "--json").stdout)), out)


def start(project, cluster, variables, out, how, ready, go):
    """Starts the job that says by one pipe when it is ready, and waits for another."""
    os.mkfifo(ready)
    os.mkfifo(go)
    command = [ROAR, "run", "--tracer", "preload", sys.executable, SCRIPTS / "ray_cluster.py", out, how, ready, go]
    return subprocess.Popen(command, cwd=project.folder, env={**project.environment, "CLUSTER": cluster.address, **variables})


def lose(cluster):
    """Ends everything of the second node at once, tracers as well, as a power cut does."""
    raylet = psutil.Process(cluster.two.all_processes["raylet"][0].process.pid)
    processes = [raylet, *raylet.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    for process in processes:
        process.send_signal(signal.SIGKILL)
    cluster.remove_node(cluster.two, allow_graceful=False)
