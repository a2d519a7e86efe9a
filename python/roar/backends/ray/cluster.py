"""A Ray that runs already: its workers are no children of `roar run`, so each is started under a tracer of its own.

Ray starts a worker with `bash -c "exec PY_EXECUTABLE WORKER.PY …"`, and lets a job say what PY_EXECUTABLE is. Here it is `roar` where that
is installed as it is on this machine, else the interpreter alone, after a word to the job that the worker is not seen.
"""

import atexit
import functools
import json
import os
import sys

from roar import objects

from . import pieces, run

# The names in a job's runtime environment that are set.
VARIABLES, PYTHON = "env_vars", "py_executable"

# What `ray job submit` hands to the driver that it starts.
SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"

# What is within the words that come before the interpreter, and their end.
TRACED, END = "ray worker --", "}) "

# The kind of the gaps that are told of here (`rust/crates/tracer-schema`).
UNTRACED = "untraced_process"

# What a node without roar tells the head of a worker. Where the head is, is among the arguments of the shell that starts the worker, as is this
# text, in which the expression finds nothing.
TELL = """
import os, re, socket, sys
from ray._raylet import GcsClient
with open(f"/proc/{sys.argv[1]}/cmdline", "rb") as file:
    head = re.search(rb"--gcs-address=([0-9A-Za-z.:-]+)", file.read())
if head:
    name = f"unseen.{socket.gethostname()}.{sys.argv[1]}".encode()
    GcsClient(address=head[1].decode()).internal_kv_put(name, b"", True, ("roar-" + os.environ["ROAR_RAY_RUN"]).encode(), 10)
"""

# What a runtime environment may have that takes the place of the interpreter after all else.
OVERRIDING = {"container", "image_uri", "nsight", "_nsight", "_rocprof_sys", "rocprof_sys"}

# Seconds that a driver waits for the head's answer when it leaves.
LAST_WORD = 2

# Set by `roar ray worker` for the worker that it traces.
WORKER = "ROAR_RAY_WORKER"


def leave_group():
    """Gives a worker a group of processes of its own: Ray kills the whole group when a worker has ended, and its tracer is to live on.

    Ray asks for the group when the worker tells of itself, which is later.
    """
    if os.environ.pop(WORKER, None):
        os.setpgid(0, 0)


class Followed:
    """What a driver asks a cluster about in the end whose workers are traced: which of them were not."""

    def __init__(self):
        self.stores, self.pid = [], os.getpid()

    def add(self, store):
        self.stores.append(store)
        # What was registered last comes first: Ray leaves the cluster after it.
        atexit.unregister(self.tell)
        atexit.register(self.tell)

    def tell(self):
        stores, self.stores = self.stores if self.pid == os.getpid() else [], []
        for reach in stores:
            try:
                tell_unseen(reach(run.name()))
            except Exception as error:
                objects.miss(f"the cluster cannot be asked which workers ran without a tracer: {error!r}", UNTRACED)


def joined(name):
    """Returns the store of a run at the head that the driver is connected to, which may be gone: nobody waits for long."""
    from ray.experimental import internal_kv

    return pieces.Head(name, internal_kv.internal_kv_get_gcs_client(), LAST_WORD)


def tell_unseen(store):
    """Tells the run of the workers that their nodes have told the cluster's head of."""
    for name in store.names():
        if name.startswith(pieces.UNSEEN):
            process = name.removeprefix(pieces.UNSEEN)
            reason = (store.get(name) or b"").decode() or "roar is not installed there as it is here"
            objects.miss(f"a worker ran without a tracer (host and process {process}): {reason}", UNTRACED)
            store.drop(name)


def follow_workers(worker):
    """Has the workers traced that a driver's `ray.init` gets from a Ray that runs already."""
    init, shutdown = worker.init, worker.shutdown

    @functools.wraps(init)
    def roar_init(address=None, **options):
        head = joins(address, options)
        if head:
            try:
                options["runtime_env"] = traced(options.get("runtime_env"), "joined")
                run.tell(kind="joined", head=head)
            except Exception as error:
                print(f"roar: workers are not seen: {error!r}", file=sys.stderr)
        context = init(address, **options)
        if head:
            followed.add(joined)
        return context

    @functools.wraps(shutdown)
    def roar_shutdown(*arguments, **options):
        followed.tell()
        return shutdown(*arguments, **options)

    worker.init, worker.shutdown = roar_init, roar_shutdown


def follow_clients(client_builder):
    """Has the workers traced that a program gets by Ray Client; `client_builder` is `ray.client_builder`.

    What is seen comes as it does of a job that is submitted: the program may be anywhere.
    """
    connect = client_builder.ClientBuilder.connect

    @functools.wraps(connect)
    def roar_connect(self):
        try:
            # What the environment says is taken only by a builder that has nothing yet.
            self._fill_defaults_from_env()
            self.env(traced(self._job_config.runtime_env, "submitted"))
            run.tell(kind="client", head=f"ray://{self.address}")
        except Exception as error:
            print(f"roar: workers are not seen: {error!r}", file=sys.stderr)
        context = connect(self)
        followed.add(pieces.Client)
        return context

    client_builder.ClientBuilder.connect = roar_connect


def leave_out_own(actor):
    """Has actors of Ray's own that outlive the job run without a tracer, as all else that Ray runs for itself; `actor` is `ray.actor`.

    Ray Data and Train have some, which say for ever how things go. They are created by whoever needs one first: a driver or a worker.
    """
    create = actor.ActorClass._remote

    @functools.wraps(create)
    def roar_remote(self, args=None, kwargs=None, **options):
        if options.get("lifetime") == "detached" and self.__ray_metadata__.modified_class.__module__.startswith("ray."):
            try:
                options = untraced(options)
            except Exception:
                # It is traced then, and keeps the run waiting.
                pass
        return create(self, args, kwargs, **options)

    actor.ActorClass._remote = roar_remote


def untraced(options):
    """Returns the options of an actor with the interpreter that the job had before it was traced."""
    import ray

    prefix, _, python = (ray.get_runtime_context().runtime_env.get(PYTHON) or "").rpartition(END)
    if f" {TRACED} " not in prefix:
        return options
    own = ray.runtime_env.RuntimeEnv(**{PYTHON: python, **(options.get("runtime_env") or {})})
    return {**options, "runtime_env": own}


def joins(address, options):
    """Returns the address of the Ray that runs already, if `ray.init` with these arguments joins one itself."""
    from ray._private import services

    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None and "://" in address:
        return None
    try:
        return services.canonicalize_bootstrap_address(address, options.get("_temp_dir"))
    except ValueError:
        # Ray says so itself.
        return None


def traced(runtime_env, how):
    """Returns a runtime environment whose workers are traced: as it is, and with two things more. `how` is what `run.variables` takes."""
    wanted = dict(runtime_env or {})
    job = json.loads(os.environ.get(SUBMITTED, "{}"))
    submitted = job.get("runtime_env", {})
    # Ray refuses what is in both.
    known = submitted.get(VARIABLES) or {}
    more = {name: value for name, value in run.variables(how).items() if name not in known}
    if more:
        wanted[VARIABLES] = {**more, **(wanted.get(VARIABLES) or {})}
    if PYTHON in submitted and PYTHON not in wanted:
        submitted[PYTHON] = under_tracer(submitted[PYTHON])
        os.environ[SUBMITTED] = json.dumps(job)
    else:
        wanted[PYTHON] = under_tracer(wanted.get(PYTHON) or interpreter())
    for key in sorted(OVERRIDING.intersection({**submitted, **wanted})):
        objects.miss(f"workers are not seen whose runtime environment has {key}: it says how they are started", UNTRACED)
    return wanted


def interpreter():
    """Returns the words for bash by which the interpreter is found that Ray would take: the driver's, or that of the environment that Ray
    has made for the job, the task or the actor, and activated just now: the raylet, which starts the shell, is in none of that name.
    """
    own = run.word(sys.executable)
    return (
        '$(for name in VIRTUAL_ENV CONDA_PREFIX; do is="$name=${!name}"; test "$is" = "$name=" && continue; '
        'while IFS= read -rd "" was; do test "$was" = "$is" && continue 2; done < /proc/$PPID/environ; '
        f"echo python; exit; done; echo {own})"
    )


def under_tracer(python):
    """Returns the words for bash by which an interpreter is run under a tracer."""
    if f" {TRACED} " in python:
        return python
    roar = run.program()
    if any(sign in roar for sign in " \t\n$`\"'\\;&|<>()*?[]#~"):
        print(f"roar: workers are not seen: bash would not take {roar} for one word", file=sys.stderr)
        return python
    # The interpreter that the worker needs has Ray, whose head is told before the worker can do anything.
    unseen = f"{python} -c '{TELL}' $$ < /dev/null > /dev/null 2>&1;"
    prefix = f"$(test -x {roar} && echo {roar} {TRACED} || {{ {unseen} {END}"
    return prefix + python


followed = Followed()
