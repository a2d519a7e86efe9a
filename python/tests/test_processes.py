"""Runners whose workers are children: every file is of the process that wrote it."""

import pytest


@pytest.mark.parametrize("backend", ["ptrace", "preload"])
@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver", "dask"])
def test_a_file_is_of_the_process_whose_number_is_in_its_name(project, how, backend):
    out = project.folder / "out"
    record = project.run("processes.py", how, str(out), backend=backend)
    files = {file["path"]: file["pids"] for file in record.report["files"] if file["role"] == "output"}
    made = {str(path): [int(path.name.rsplit("-", 1)[1])] for path in out.iterdir()}
    assert len(made) == 6
    assert {path: pids for path, pids in files.items() if path in made} == made
