"""What `roar run` has said of the run that this process is part of (`rust/crates/roar-run/src/ray/settings.rs`)."""

import json
import os
import shlex
import sys

# Beside the directory that `ROAR_TASKS` names: what is said here, and the Ray jobs that are told of from here.
SAID, JOBS = "ray.json", "ray-jobs.jsonl"

# Where workers and drivers leave what their tracers see; set for them, which have no other way to know.
STORE = "ROAR_RAY_STORE"


def directory():
    return os.path.dirname(os.environ["ROAR_TASKS"])


def variables(how):
    """Returns what is to be in the environment of a job's processes: by `ray.init` "joined", by `ray job submit` "submitted"."""
    with open(os.path.join(directory(), SAID)) as file:
        said = json.load(file)
    store = said[how]
    if store.startswith("/"):
        os.makedirs(store, mode=0o700, exist_ok=True)
    return {**said["variables"], STORE: store}


def name():
    """Returns the name of the run, by which what is seen for it is known on a cluster."""
    with open(os.path.join(directory(), SAID)) as file:
        return json.load(file)["variables"]["ROAR_RAY_RUN"]


def tell(**job):
    """Tells `roar run` of a Ray job of this run, and who may be asked of it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    file = os.open(os.path.join(directory(), JOBS), flags, 0o600)
    try:
        os.write(file, json.dumps({**job, "python": sys.executable}).encode() + b"\n")
    finally:
        os.close(file)


def word(path):
    """Returns a path as a word for a shell."""
    return shlex.quote(path)


def program():
    """Returns where roar is installed, here and on nodes, as a word for a shell."""
    return word(os.path.join(sys.prefix, "bin", "roar"))
