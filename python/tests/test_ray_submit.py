"""`ray job submit` to a cluster that was started by hand: its driver and workers are none of roar's children."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROAR, SCRIPTS, Record
from heads import RAY, bucket, head  # noqa: F401
from test_ray_cluster import made_by_tasks


@pytest.fixture
def submit(project, head, tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "data.txt").write_text("of the working directory")
    (sources / "ray_submitted.py").write_bytes((SCRIPTS / "ray_submitted.py").read_bytes())

    def run(*arguments, options=(), how=(), **variables):
        environment = {"working_dir": str(sources), "env_vars": {"SUBMITTED": "1"}}
        submitted = [RAY, "job", "submit", "--address", head.address, "--runtime-env-json", json.dumps(environment), *options, "--"]
        program = [sys.executable, "ray_submitted.py", project.folder / "out", *how]
        command = [ROAR, "run", "--tracer", "ptrace", *submitted, *program]
        everything = {**project.environment, **head.variables, **variables}
        result = subprocess.run(command, cwd=project.folder, env=everything, capture_output=True, text=True)
        project.environment = {**project.environment, **head.variables, **variables}
        project.said = result.stderr
        return result, Record(project.last())

    return run


def check(record, project):
    out = project.folder / "out"
    made = made_by_tasks(out)
    assert len(made) == 20
    written = record.doers("output")
    assert {path: written.get(path) for path, task in made.items() if written.get(path) != [(task, False)]} == {}
    hashed = {file["path"] for file in record.report["files"] if file["role"] == "output" and file["hash"]}
    assert set(made) <= hashed
    # The driver wrote what the tasks read: none of it is from before the job.
    assert not [file["path"] for file in record.report["files"] if file["role"] == "input" and file["path"].startswith(str(out))]


def log(project):
    return json.loads(project.call(ROAR, "log", "--json").stdout)["jobs"]


def submission_of(head):
    return max(head.ask("/api/jobs/"), key=lambda job: job["start_time"])


def test_a_submitted_job_is_recorded_where_it_was_submitted(project, head, submit):
    result, record = submit()
    assert result.returncode == 0, result.stdout + result.stderr
    check(record, project)
    assert record.report["coverage"]["complete"], record.report["coverage"]
    variables = submission_of(head)["runtime_env"]["env_vars"]
    assert variables.pop("SUBMITTED") == "1"
    assert {name for name in variables if not name.startswith("ROAR_")} == set()
    assert not list(project.folder.glob(".roar/ray/*")) and not list(project.folder.glob(".roar/runs/*"))


def test_what_was_not_waited_for_is_fetched(project, head, submit, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result, record = submit(options=["--no-wait"], how=["waits", str(pipe)])
    assert result.returncode == 0
    assert "had not ended" in json.dumps(record.report["coverage"]["gaps"])
    assert "roar ray fetch" in result.stderr
    pipe.write_text("x")
    submission = submission_of(head)["submission_id"]
    head.ended(submission)
    project.call(ROAR, "ray", "fetch", submission)
    fetched = Record(project.last())
    check(fetched, project)
    assert fetched.report["coverage"]["complete"], fetched.report["coverage"]
    assert [job["step"] for job in log(project)] == [1]


def test_of_a_driver_that_is_killed_everything_is_there_and_the_gap_is_named(project, head, submit):
    result, record = submit(how=["killed"])
    assert result.returncode != 0
    check(record, project)
    assert [gap["kind"] for gap in record.report["coverage"]["gaps"]] == ["tracer_died"]
    again = subprocess.run([ROAR, "ray", "fetch", "@last"], cwd=project.folder, env=project.environment)
    assert again.returncode == 1
    assert Record(project.last()).doers("output") == record.doers("output")


def test_pieces_by_a_bucket_are_sealed_and_make_the_same_record(project, head, submit, bucket):  # noqa: F811
    endpoint = bucket.meta.endpoint_url
    result, record = submit(ROAR_RAY_STORE="s3://pieces/of/runs", ROAR_RAY_S3_ENDPOINT=endpoint)
    assert result.returncode == 0, result.stdout + result.stderr
    check(record, project)
    assert record.report["coverage"]["complete"], record.report["coverage"]
    objects = bucket.list_objects_v2(Bucket="pieces", Prefix="of/runs/")["Contents"]
    assert len(objects) > 4
    for one in objects:
        kept = bucket.get_object(Bucket="pieces", Key=one["Key"])["Body"].read()
        assert b"direct-" not in kept and str(project.folder).encode() not in kept
