"""A Ray that runs already: its workers are no children of `roar run`, so each is started under a tracer of its own.

Ray starts a worker with `bash -c "exec PY_EXECUTABLE WORKER.PY …"`, and lets a job say what PY_EXECUTABLE is. Here it is `roar` where that
is installed as it is on this machine, else the interpreter alone, after a word to the job that the worker is not seen.
"""

import functools
import json
import os
import sys

from . import run

# The names in a job's runtime environment that are set.
VARIABLES, PYTHON = "env_vars", "py_executable"

# What `ray job submit` hands to the driver that it starts.
SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"

# Set by `roar ray worker` for the worker that it traces.
WORKER = "ROAR_RAY_WORKER"


def leave_group():
    """Gives a worker a group of processes of its own: Ray kills the whole group when a worker has ended, and its tracer is to live on.

    Ray asks for the group when the worker tells of itself, which is later.
    """
    if os.environ.pop(WORKER, None):
        os.setpgid(0, 0)


def follow_workers(worker):
    """Has the workers traced that a driver's `ray.init` gets from a Ray that runs already."""
    init = worker.init

    @functools.wraps(init)
    def roar_init(address=None, **options):
        head = joins(address, options)
        if head:
            try:
                options["runtime_env"] = traced(options.get("runtime_env"))
                run.tell(kind="joined", head=head)
            except Exception as error:
                print(f"roar: workers are not seen: {error!r}", file=sys.stderr)
        return init(address, **options)

    worker.init = roar_init


def joins(address, options):
    """Returns the address of the Ray that runs already, if `ray.init` with these arguments joins one."""
    from ray._private import services

    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None and address.startswith("ray://"):
        print("roar: workers are not seen that are reached through Ray Client (ray://)", file=sys.stderr)
        return None
    try:
        return services.canonicalize_bootstrap_address(address, options.get("_temp_dir"))
    except ValueError:
        # Ray says so itself.
        return None


def traced(runtime_env):
    """Returns a runtime environment whose workers are traced: as it is, and with two things more."""
    wanted = dict(runtime_env or {})
    job = json.loads(os.environ.get(SUBMITTED, "{}"))
    submitted = job.get("runtime_env", {})
    # Ray refuses what is in both.
    known = submitted.get(VARIABLES) or {}
    more = {name: value for name, value in run.variables("joined").items() if name not in known}
    if more:
        wanted[VARIABLES] = {**more, **(wanted.get(VARIABLES) or {})}
    if PYTHON in submitted and PYTHON not in wanted:
        submitted[PYTHON] = under_tracer(submitted[PYTHON])
        os.environ[SUBMITTED] = json.dumps(job)
    else:
        wanted[PYTHON] = under_tracer(wanted.get(PYTHON) or sys.executable)
    return wanted


def under_tracer(python):
    """Returns the words for bash by which an interpreter is run under a tracer."""
    roar = run.program()
    if any(sign in roar for sign in " \t\n$`\"'\\;&|<>()*?[]#~"):
        print(f"roar: workers are not seen: bash would not take {roar} for one word", file=sys.stderr)
        return python
    # Where the store is a directory, it is told there.
    unseen = f'test -z "${{{run.STORE}%%/*}}" && echo > "${run.STORE}/unseen.$HOSTNAME.$$"'
    prefix = f"$(test -x {roar} && echo {roar} ray worker -- || {{ {unseen}; }}) "
    return python if python.startswith(prefix) else prefix + python
