"""Runs when Python starts below `roar run`: has hooks put in place once the module is imported that they are for, and imports none.

The tracer sees files and threads. Only the runner's own process knows which task a thread works for, and only the library knows what
it reads from an object store.
"""

import importlib
import importlib.util
import sys

# A module, the function here that is called with it as soon as it has been imported, and what is missing where that fails.
HOOKS = {
    "ray._private.worker": ("roar.backends.ray.hooks", "install", "tasks are not told apart"),
    "ray.actor": ("roar.backends.ray.cluster", "leave_out_own", "actors of Ray's own are traced"),
    "ray.client_builder": ("roar.backends.ray.cluster", "follow_clients", "workers are not seen"),
    "botocore.client": ("roar.botocore", "install", "what boto3 does with S3 is not seen"),
    "aiobotocore.client": ("roar.botocore", "install_asynchronous", "what s3fs does with S3 is not seen"),
    "pyarrow.fs": ("roar.arrow", "install", "what pyarrow does with S3 is not seen"),
    "pyarrow.dataset": ("roar.arrow", "install_datasets", "what pyarrow's datasets do with S3 is not seen"),
    "ray.dashboard.modules.job.sdk": ("roar.backends.ray.submit", "install", "jobs that are submitted are not seen"),
}


class Finder:
    """Finds the modules of HOOKS as anyone would, and has the function called after each has run."""

    def __init__(self):
        self.looking = set()

    def find_spec(self, name, path=None, target=None):
        if name not in HOOKS or name in self.looking:
            return None
        self.looking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.looking.discard(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                call(name, module)

            spec.loader.exec_module = exec_module
        return spec


def call(name, module):
    """Calls the hook of a module. Whatever fails in it is said, and costs nobody but roar."""
    where, function, missing = HOOKS[name]
    try:
        getattr(importlib.import_module(where), function)(module)
    except Exception as error:
        from roar import objects

        objects.miss(f"{missing}: {error!r}")


sys.meta_path.insert(0, Finder())
