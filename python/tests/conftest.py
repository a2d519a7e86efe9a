"""What the tests share: the wheel, and runs of the `roar` that it has installed."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROAR = pathlib.Path(sys.prefix, "bin/roar")
SCRIPTS = pathlib.Path(__file__).parent / "scripts"

# Those that run here without privilege; with it eBPF as well.
BACKENDS = ["ptrace", "preload"] + (["ebpf"] if os.geteuid() == 0 else [])


def pytest_addoption(parser):
    parser.addoption("--wheel", type=pathlib.Path, required=True, help="the wheel of roar")


@pytest.fixture
def wheel(request):
    return request.config.getoption("--wheel")


class Project:
    """A directory in which commands run under roar, and what was recorded of them."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder / "home"), "RAY_AUTH_MODE": "disabled"}
        (folder / "home").mkdir()
        self.call(ROAR, "init", "-n")

    def call(self, *command, **variables):
        result = subprocess.run(command, cwd=self.folder, env={**self.environment, **variables}, capture_output=True, text=True)
        assert result.returncode == 0, f"{command}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def run(self, script, *arguments, backend, **variables):
        """Runs a script of this folder, and returns the record of it."""
        command = [ROAR, "run", "--tracer", backend, "--no-tracer-fallback", sys.executable, SCRIPTS / script, *arguments]
        self.said = self.call(*command, **variables).stderr
        return Record(self.last())

    def last(self):
        return json.loads(self.call(ROAR, "show", "@last", "--json").stdout)


class Record:
    def __init__(self, report):
        self.report = report
        self.tasks = report.get("tasks", [])

    def doers(self, role):
        """Returns for each path the tasks whose input or output it is, and whether they are certain."""
        doers = {}
        for task in self.tasks:
            for used in task["files"]:
                if used["role"] == role:
                    doers.setdefault(used["path"], []).append((task["id"], used["shared"]))
        return doers


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)
