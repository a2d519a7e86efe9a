"""`ray job submit` to a cluster that was started by hand: its driver and workers are none of roar's children."""

import json
import logging
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile
import urllib.request

import boto3
import pytest
from moto.server import ThreadedMotoServer

from conftest import ROAR, SCRIPTS, Record
from test_ray_cluster import made_by_tasks

RAY = pathlib.Path(sys.prefix, "bin/ray")

# Who uses the S3 server, here and on the cluster.
BUCKETS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class Head:
    """The head of a cluster, which asks for a token."""

    def __init__(self, folder):
        self.folder = folder
        self.token = secrets.token_hex(32)
        self.port, self.dashboard = free_port(), free_port()
        self.variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, **BUCKETS}
        self.address = f"http://127.0.0.1:{self.dashboard}"

    def __enter__(self):
        self.call("start", "--head", f"--port={self.port}", f"--dashboard-port={self.dashboard}", "--num-cpus=2", f"--temp-dir={self.folder}", "--disable-usage-stats")
        return self

    def __exit__(self, *_):
        for file in pathlib.Path("/proc").glob("[0-9]*/environ"):
            # Whatever this head has started, and nothing else.
            try:
                if self.token.encode() in file.read_bytes() and int(file.parent.name) != os.getpid():
                    os.kill(int(file.parent.name), 9)
            except (OSError, ProcessLookupError):
                pass

    def call(self, *words):
        result = subprocess.run([RAY, *words], env={**os.environ, **self.variables}, capture_output=True, text=True)
        assert result.returncode == 0, f"{words}: {result.stdout}\n{result.stderr}"

    def ask(self, path):
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"Bearer {self.token}"})
        return json.loads(urllib.request.urlopen(request).read())

    def ended(self, submission):
        """Waits until a job has ended."""
        self.call("job", "logs", "--follow", "--address", self.address, submission)
        while self.ask(f"/api/jobs/{submission}")["status"] not in ("SUCCEEDED", "FAILED", "STOPPED"):
            pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def head():
    # Sockets have short names only.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder, Head(folder) as head:
        yield head


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


@pytest.fixture
def bucket():
    """An S3 server with a bucket, and what is in that."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    client = boto3.client(
        "s3",
        endpoint_url="http://{}:{}".format(*server.get_host_and_port()),
        aws_access_key_id=BUCKETS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=BUCKETS["AWS_SECRET_ACCESS_KEY"],
        region_name=BUCKETS["AWS_REGION"],
    )
    client.create_bucket(Bucket="pieces")
    yield client
    server.stop()


def test_pieces_by_a_bucket_are_sealed_and_make_the_same_record(project, head, submit, bucket):
    endpoint = bucket.meta.endpoint_url
    result, record = submit(ROAR_RAY_STORE="s3://pieces/of/runs", ROAR_RAY_S3_ENDPOINT=endpoint)
    assert result.returncode == 0, result.stdout + result.stderr
    check(record, project)
    assert record.report["coverage"]["complete"], record.report["coverage"]
    objects = bucket.list_objects_v2(Bucket="pieces")["Contents"]
    assert len(objects) > 4 and all(one["Key"].startswith("of/runs/") for one in objects)
    for one in objects:
        kept = bucket.get_object(Bucket="pieces", Key=one["Key"])["Body"].read()
        assert b"direct-" not in kept and str(project.folder).encode() not in kept
