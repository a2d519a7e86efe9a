"""What Ray's workers do when they begin and end a task.

Both names that are replaced are Ray's own business: Ray calls `_changeproctitle` on the thread that runs a task, around it, for every
task, actor method and actor constructor, and asks `_make_actor_method_executor` for what runs an actor's method. Where one is
missing, nothing is replaced and roar says so.
"""

import functools
import inspect
from contextlib import contextmanager

from roar import tasks

from . import cluster


def install(worker):
    """Replaces what Ray calls around a task; `worker` is `ray._private.worker`."""
    from ray._private import function_manager

    managers = function_manager.FunctionActorManager
    title, executor = worker._changeproctitle, managers._make_actor_method_executor

    @contextmanager
    def roar_title(name, following):
        names = None if is_asynchronous(worker) else names_of(worker, name)
        if names is None:
            with title(name, following):
                yield
            return
        with tasks.Task(**names), title(name, following):
            yield

    @functools.wraps(executor)
    def roar_executor(self, name, method, *arguments, **options):
        return executor(self, name, of_coroutine(worker, name, method), *arguments, **options)

    worker._changeproctitle = roar_title
    managers._make_actor_method_executor = roar_executor
    tasks.follow_threads()
    tasks.follow_callbacks()
    cluster.follow_workers(worker)
    cluster.leave_group()


def is_asynchronous(worker):
    """Returns whether the calling process is of an actor whose methods run on an event loop."""
    core = getattr(worker.global_worker, "core_worker", None)
    return core is not None and core.current_actor_is_asyncio()


def names_of(worker, name):
    """Returns what the task is called that the calling thread runs, or None outside of tasks."""
    core = getattr(worker.global_worker, "core_worker", None)
    if core is None:
        return None
    task, actor = core.get_current_task_id(), core.get_actor_id()
    if task.is_nil():
        return None
    return {
        "id": task.hex(),
        "attempt": core.get_current_task_attempt_number(),
        "name": name.removeprefix("ray::"),
        "actor": None if actor.is_nil() else actor.hex(),
        "node": worker.global_worker.current_node_id.hex(),
        "worker": worker.global_worker.worker_id.hex(),
    }


def of_coroutine(worker, name, method):
    """Returns a method that runs for its task on an event loop, where it is one for that."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def roar_method(*arguments, **options):
            with Asynchronous(worker, name) as task:
                return await tasks.Steps(method(*arguments, **options), task)

        return roar_method
    if inspect.isasyncgenfunction(method):

        @functools.wraps(method)
        async def roar_generator(*arguments, **options):
            with Asynchronous(worker, name) as task:
                made = method(*arguments, **options)
                try:
                    while True:
                        try:
                            value = await tasks.Steps(made.__anext__(), task)
                        except StopAsyncIteration:
                            return
                        yield value
                finally:
                    await made.aclose()

        return roar_generator
    if inspect.isfunction(method):

        @functools.wraps(method)
        def roar_function(*arguments, **options):
            if not is_asynchronous(worker):
                return method(*arguments, **options)
            with Asynchronous(worker, name) as task:
                tasks.teller.say(task, tasks.WORKS_FOR)
                return method(*arguments, **options)

        return roar_function
    return method


class Asynchronous:
    """A task that shares its thread with others, and has it only step by step."""

    def __init__(self, worker, name):
        self.names = names_of(worker, name) or {"id": "", "name": name}

    def __enter__(self):
        self.number = tasks.teller.add(**self.names)
        self.token = tasks.current.set(self.number)
        tasks.teller.say(self.number, tasks.BEGINS)
        tasks.teller.say(0, tasks.IDLE)
        return self.number

    def __exit__(self, *_):
        tasks.current.set(None)
        tasks.teller.say(self.number, tasks.ENDS)
        tasks.teller.say(0, tasks.IDLE)
