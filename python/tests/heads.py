"""Clusters of Ray that are started by hand, and a bucket for them."""

import contextlib
import json
import logging
import os
import pathlib
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import urllib.request
import uuid

import boto3
import pytest
from moto.server import ThreadedMotoServer

RAY = pathlib.Path(sys.prefix, "bin/ray")

# Who uses the S3 server, here and on the cluster.
BUCKETS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}

# More than one node on a machine: each takes whatever ports there are.
NODE = ["--num-cpus=2", "--min-worker-port=0", "--max-worker-port=0"]


class Head:
    """The head of a cluster, which asks for a token."""

    def __init__(self, folder):
        self.folder = folder
        self.token = secrets.token_hex(32)
        self.port, self.dashboard, self.client = free_port(), free_port(), free_port()
        self.variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, **BUCKETS}
        self.address = f"http://127.0.0.1:{self.dashboard}"

    def __enter__(self):
        agent = f"--dashboard-agent-listen-port={free_port()}"
        ports = [agent, f"--port={self.port}", f"--dashboard-port={self.dashboard}", f"--ray-client-server-port={self.client}"]
        self.call("start", "--head", *ports, *NODE, '--resources={"one": 4}', f"--temp-dir={self.folder}", "--disable-usage-stats")
        return self

    @contextlib.contextmanager
    def node(self, folder, *mounts):
        """A second node with names, files for a while and mounts of its own, as if it were another machine. A mount is what and where."""
        folder.mkdir()
        (folder / "boot").write_text(f"{uuid.uuid4()}\n")
        binds = [(folder / "boot", "/proc/sys/kernel/random/boot_id"), *mounts]
        words = ["hostname two"] + [f"mount --bind {shlex.quote(str(what))} {shlex.quote(str(where))}" for what, where in binds]
        port = f"--dashboard-agent-listen-port={free_port()}"
        start = [RAY, "start", f"--address=127.0.0.1:{self.port}", *NODE, port, '--resources={"two": 4}', "--block", "--disable-usage-stats"]
        inside = " && ".join([*words, "exec " + shlex.join(map(str, start))])
        variables = {**os.environ, **self.variables, "TMPDIR": str(folder)}
        with open(folder / "said", "w") as said:
            apart = ["unshare", "--mount", "--uts", "sh", "-c", inside]
            with subprocess.Popen(apart, env=variables, stdout=said, stderr=said) as running:
                while len(self.nodes()) < 2:
                    assert running.poll() is None, (folder / "said").read_text()
                yield
                running.terminate()
                running.wait()
                while len(self.nodes()) > 1:
                    pass

    def nodes(self):
        """Returns the nodes that live."""
        found = self.ask("/nodes?view=summary")["data"]["summary"]
        return [node for node in found if node["raylet"].get("state") == "ALIVE"]

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
