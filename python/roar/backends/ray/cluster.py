"""A Ray that runs already: its workers are no children of `roar run`, so each is started under a tracer of its own.

Ray starts a worker with `bash -c "exec PY_EXECUTABLE WORKER.PY …"`, and lets a job say what PY_EXECUTABLE is. Here it is `roar` where that
is installed as it is on this machine, else the interpreter alone, after a word to the job that the worker is not seen.
"""

import functools
import json
import os
import sys

# Where workers leave what their tracers see; set for workers, which have no other way to know.
STORE = "ROAR_RAY_STORE"

# The names in a job's runtime environment that are set.
VARIABLES, PYTHON = "env_vars", "py_executable"

# What `ray job submit` hands to the driver that it starts.
SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"


def store():
    """Returns where this run's workers leave what they see."""
    return os.environ.get(STORE) or os.path.join(os.path.dirname(os.environ["ROAR_TASKS"]), "workers")


def follow_workers(worker):
    """Has the workers traced that a driver's `ray.init` gets from a Ray that runs already."""
    init = worker.init

    @functools.wraps(init)
    def roar_init(address=None, **options):
        if joins(address, options):
            options["runtime_env"] = traced(options.get("runtime_env"))
        return init(address, **options)

    worker.init = roar_init


def joins(address, options):
    """Returns whether `ray.init` with these arguments joins a Ray that runs already."""
    from ray._private import services

    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None and address.startswith("ray://"):
        print("roar: workers are not seen that are reached through Ray Client (ray://)", file=sys.stderr)
        return False
    try:
        return services.canonicalize_bootstrap_address(address, options.get("_temp_dir")) is not None
    except ValueError:
        # Ray says so itself.
        return False


def traced(runtime_env):
    """Returns a runtime environment whose workers are traced: as it is, and with two things more."""
    wanted = dict(runtime_env or {})
    place = store()
    os.makedirs(place, mode=0o700, exist_ok=True)
    wanted[VARIABLES] = {**(wanted.get(VARIABLES) or {}), STORE: place}
    submitted = json.loads(os.environ.get(SUBMITTED, "{}")).get("runtime_env", {})
    if PYTHON not in submitted:
        wanted[PYTHON] = under_tracer(wanted.get(PYTHON) or sys.executable)
    return wanted


def under_tracer(python):
    """Returns the words for bash by which an interpreter is run under a tracer."""
    roar = os.path.join(sys.prefix, "bin", "roar")
    if any(sign in roar for sign in " \t\n$`\"'\\;&|<>()*?[]#~"):
        print(f"roar: workers are not seen: bash would not take {roar} for one word", file=sys.stderr)
        return python
    unseen = f'echo > "${STORE}/unseen.$HOSTNAME.$$"'
    return f"$(test -x {roar} && echo {roar} ray worker -- || {unseen}) {python}"
