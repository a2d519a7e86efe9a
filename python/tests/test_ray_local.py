"""Ray on this machine, started by the script: every file is attributed to the task whose id is in its name."""

import pytest

from conftest import BACKENDS


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_file_is_of_the_task_that_its_name_says(project, backend):
    out = project.folder / "out"
    record = project.run("ray_local.py", str(out), backend=backend)
    made = {str(path): path.name.rsplit("-", 1)[1] for path in out.iterdir() if not path.name.startswith("in-")}
    # 10 tasks with 4 files each, 2 others, an actor with 3 methods, 8 calls and 6 calls of actors with 3 and 4 files, and 1.
    assert len(made) == 40 + 2 + 1 + 2 + 3 + 24 + 24 + 1
    written = record.doers("output")
    wrong = {path: written.get(path) for path, task in made.items() if written.get(path) != [(task, False)]}
    assert wrong == {}
    check_edges(out, record.doers("input"))


def check_edges(out, readers):
    """What one task writes and another reads joins them; what the driver made was made by no task."""
    [joined] = out.glob("joined-*")
    joiner = joined.name.rsplit("-", 1)[1]
    direct = sorted(map(str, out.glob("direct-*")))
    assert [readers.get(path) for path in direct] == [[(joiner, False)]] * 10
    assert [len(readers[str(out / f"in-{number}.txt")]) for number in (1, 2)] == [3, 3]
