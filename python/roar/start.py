"""Runs when Python starts below `roar run`: has each runner's hooks put in place once the runner is imported, and imports none.

The tracer sees files and threads; only the runner's own process knows which task a thread works for.
"""

import importlib
import importlib.util
import sys

# A runner's module, and the function here that is called with it as soon as it has been imported.
HOOKS = {
    "ray._private.worker": ("roar.backends.ray.hooks", "install"),
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
    where, function = HOOKS[name]
    try:
        getattr(importlib.import_module(where), function)(module)
    except Exception as error:
        print(f"roar: tasks are not told apart: {error!r}", file=sys.stderr)


sys.meta_path.insert(0, Finder())
