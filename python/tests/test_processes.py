"""Runners whose workers are children of the command: every file is of the process that wrote it, and nothing is missed."""

import pytest

from conftest import BACKENDS

RANKS = 4


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("how", ["elastic", "mpirun", "fork", "spawn", "forkserver", "dask"])
def test_a_file_is_of_the_process_whose_number_is_in_its_name(project, how, backend):
    out = project.folder / "out"
    out.mkdir()
    taken = [out / f"{kind}-{number}" for kind in ("in", "shared") for number in range(RANKS)]
    for path in taken:
        path.write_text(path.name)
    record = project.run("runners.py", str(out), how, backend=backend)
    assert record.report["coverage"]["complete"], record.report["coverage"]
    made = {str(path): [int(path.name.rpartition("-")[2])] for path in out.glob("out-*")}
    assert len({path.rpartition("-")[0] for path in made}) == RANKS
    files = {(file["path"], file["role"]): file for file in record.report["files"] if file["path"].startswith(str(out))}
    assert {path: file["pids"] for (path, role), file in files.items() if role == "output"} == made
    assert {path for path, role in files if role == "input"} == set(map(str, taken))
    if how == "elastic":
        # Of those that were ended some had read and not yet written.
        return
    for number in range(RANKS):
        [writer] = [pids for path, pids in made.items() if f"/out-{number}-" in path]
        assert files[str(out / f"in-{number}"), "input"]["pids"] == writer
