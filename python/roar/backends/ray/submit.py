"""`ray job submit`, and programs that call what it calls: the driver is started by the cluster, under a tracer of its own.

What is submitted has more variables, all of roar's own, and an entry point that runs what the user has asked for under `roar` where that is
installed as it is here, else as it is.
"""

import functools
import shlex
import sys

from . import run


def install(sdk):
    """Replaces what submits a job; `sdk` is `ray.dashboard.modules.job.sdk`."""
    client = sdk.JobSubmissionClient
    submit = client.submit_job

    @functools.wraps(submit)
    def roar_submit(self, *, entrypoint, runtime_env=None, **options):
        try:
            wanted = traced(entrypoint, runtime_env)
        except Exception as error:
            print(f"roar: the job that is submitted is not seen: {error!r}", file=sys.stderr)
            return submit(self, entrypoint=entrypoint, runtime_env=runtime_env, **options)
        submission = submit(self, **wanted, **options)
        try:
            run.tell(kind="submitted", submission=submission, address=self._address, headers=headers(self), verify=self._verify)
        except Exception as error:
            print(f"roar: the job that is submitted cannot be asked for what was seen: {error!r}", file=sys.stderr)
        return submission

    client.submit_job = roar_submit


def traced(entrypoint, runtime_env):
    """Returns what to submit for a job that is to be seen."""
    environment = dict(runtime_env or {})
    # What the user has set is left as it is.
    environment["env_vars"] = {**run.variables("submitted"), **(environment.get("env_vars") or {})}
    roar = run.program()
    command = f"if test -x {roar}; then exec {roar} ray driver -- sh -c {shlex.quote(entrypoint)}; fi; {entrypoint}"
    return {"entrypoint": command, "runtime_env": environment}


def headers(client):
    """Returns the headers that the user has asked for; those of Ray's own token are found again."""
    try:
        from ray._private.authentication.http_token_authentication import get_auth_headers_if_auth_enabled

        of_token = get_auth_headers_if_auth_enabled({})
    except ImportError:
        of_token = {}
    return {name: value for name, value in (client._headers or {}).items() if of_token.get(name) != value}
