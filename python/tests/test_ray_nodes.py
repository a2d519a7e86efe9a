"""Nodes that are other machines: what is seen there is hashed there, and comes by Ray's own store or by a bucket."""

import json
import subprocess
import sys
import zipfile

import blake3
import pytest

from conftest import ROAR, SCRIPTS, Record
from heads import bucket, head  # noqa: F401


@pytest.fixture
def apart(project):
    """Runs the script, and returns the record and what its tasks have said that they did."""

    def run(*arguments, **variables):
        out, said = project.folder / "out", project.folder / "said.json"
        command = [ROAR, "run", "--tracer", "preload", sys.executable, SCRIPTS / "ray_apart.py", out, said, *arguments]
        result = subprocess.run(command, cwd=project.folder, env={**project.environment, **variables}, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return Record(project.last()), json.loads(said.read_text())

    (project.folder / "out").mkdir()
    return run


def check(record, project, said):
    """Checks that the file of each task is its output alone, with the hash of what it said that it wrote."""
    written = record.doers("output")
    hashes = {file["path"]: file["hash"] for file in record.report["files"] if file["role"] == "output"}
    wrong = {}
    for task, _, content in said:
        path = str(project.folder / "out" / f"direct-{task}")
        found = written.get(path), (hashes.get(path) or {}).get("blake3")
        if found != ([(task, False)], blake3.blake3(content.encode()).hexdigest()):
            wrong[path] = found
    assert wrong == {}


@pytest.mark.parametrize("store", ["ray", "s3"])
def test_files_of_another_machine_are_hashed_there(project, head, apart, bucket, store, tmp_path):  # noqa: F811
    stores = {"ray": {"ROAR_RAY_STORE": "ray"}, "s3": {"ROAR_RAY_STORE": "s3://pieces", "ROAR_RAY_S3_ENDPOINT": bucket.meta.endpoint_url}}
    own = tmp_path / "own"
    own.mkdir()
    with head.node(tmp_path / "two", (own, project.folder / "out")):
        record, said = apart(CLUSTER=f"127.0.0.1:{head.port}", **head.variables, **stores[store])
    assert [node for _, node, _ in said].count("two") == 10
    # What is there is not here.
    assert len(list(own.iterdir())) == len(list((project.folder / "out").iterdir())) == 10
    check(record, project, said)
    assert record.report["coverage"]["complete"], record.report["coverage"]


@pytest.mark.parametrize("store", ["auto", "ray"])
def test_workers_of_a_node_without_roar_are_named(project, head, apart, store, tmp_path):  # noqa: F811
    with head.node(tmp_path / "two", ("/dev/null", ROAR)):
        record, said = apart(CLUSTER=f"127.0.0.1:{head.port}", ROAR_RAY_STORE=store, **head.variables)
    check(record, project, [one for one in said if one[1] != "two"])
    gaps = record.report["coverage"]["gaps"]
    assert gaps and {gap["kind"] for gap in gaps} == {"untraced_process"}
    assert all("process two." in gap["detail"] and "not installed" in gap["detail"] for gap in gaps), gaps


def test_a_program_that_reaches_the_cluster_by_ray_client_is_recorded(project, head, apart):  # noqa: F811
    record, said = apart(CLUSTER=f"ray://127.0.0.1:{head.client}", **head.variables)
    check(record, project, said)
    assert record.report["coverage"]["complete"], record.report["coverage"]


@pytest.mark.parametrize("how", ["job", "task"])
def test_packages_of_a_runtime_environment_are_there_under_a_tracer(project, head, apart, how, tmp_path):  # noqa: F811
    wheel = tmp_path / "only_in_the_wheel-1.0-py3-none-any.whl"
    about = "only_in_the_wheel-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("only_in_the_wheel.py", "")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: only-in-the-wheel\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", f"only_in_the_wheel.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    record, said = apart(how, str(wheel), CLUSTER=f"127.0.0.1:{head.port}", **head.variables)
    check(record, project, said)
    assert record.report["coverage"]["complete"], record.report["coverage"]
