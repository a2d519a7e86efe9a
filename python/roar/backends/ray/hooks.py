"""What Ray's workers do when they begin and end a task.

Both names that are replaced are Ray's own business: Ray calls `_changeproctitle` on the thread that runs a task, around it, for every
task, actor method and actor constructor, and asks `_make_actor_method_executor` for what runs an actor's method. Where one is
missing, nothing is replaced and roar says so.
"""

import functools
import inspect
import json

from roar import tasks

from . import cluster


def install(worker):
    """Replaces what Ray calls around a task; `worker` is `ray._private.worker`."""
    from ray._private import function_manager

    managers = function_manager.FunctionActorManager
    title, executor = worker._changeproctitle, managers._make_actor_method_executor

    names = Names(worker)

    @functools.wraps(title)
    def roar_title(name, following):
        inner = title(name, following)
        said = None if is_asynchronous(worker) else names.of(name)
        return inner if said is None else tasks.Task(said, inner)

    @functools.wraps(executor)
    def roar_executor(self, name, method, *arguments, **options):
        return executor(self, name, of_coroutine(worker, names, name, method), *arguments, **options)

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


class Names:
    """What the tasks of this process are called. What they have in common is put together once: it is said of each."""

    # Names that are remembered as they are said: a program has some dozens.
    NAMES_MAX = 1000

    def __init__(self, worker):
        self.worker = worker
        self.common = self.actor = None
        self.names = {}

    def of(self, name):
        """Returns what is said of the task that the calling thread runs, or None outside of tasks."""
        core = getattr(self.worker.global_worker, "core_worker", None)
        if core is None:
            return None
        task = core.get_current_task_id()
        if task.is_nil():
            return None
        if self.actor is None:
            # A process may run tasks first, and then be an actor for ever.
            actor = core.get_actor_id()
            if self.common is None or not actor.is_nil():
                self.learn(None if actor.is_nil() else actor.hex())
        said = b'"id":"%b","attempt":%d,"name":%b,%b'
        return said % (task.hex().encode(), core.get_current_task_attempt_number(), self.name(name), self.common)

    def learn(self, actor):
        self.actor = actor
        here = self.worker.global_worker
        common = {"actor": actor, "node": here.current_node_id.hex(), "worker": here.worker_id.hex()}
        # Without the braces.
        self.common = json.dumps(common).encode()[1:-1]

    def name(self, name):
        known = self.names.get(name)
        if known is None:
            if len(self.names) >= self.NAMES_MAX:
                self.names.clear()
            known = self.names[name] = json.dumps(name.removeprefix("ray::")).encode()
        return known


def of_coroutine(worker, names, name, method):
    """Returns a method that runs for its task on an event loop, where it is one for that."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def roar_method(*arguments, **options):
            with Asynchronous(names, name) as task:
                return await tasks.Steps(method(*arguments, **options), task)

        return roar_method
    if inspect.isasyncgenfunction(method):

        @functools.wraps(method)
        async def roar_generator(*arguments, **options):
            with Asynchronous(names, name) as task:
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
            with Asynchronous(names, name) as task:
                tasks.teller.say(task, tasks.WORKS_FOR)
                return method(*arguments, **options)

        return roar_function
    return method


class Asynchronous:
    """A task that shares its thread with others, and has it only step by step."""

    def __init__(self, names, name):
        self.said = names.of(name) or b'"id":"","name":%b' % names.name(name)

    def __enter__(self):
        self.number = tasks.teller.add(self.said)
        self.token = tasks.current.set(self.number)
        tasks.teller.say(self.number, tasks.BEGINS)
        tasks.teller.say(0, tasks.IDLE)
        return self.number

    def __exit__(self, *_):
        tasks.current.set(None)
        tasks.teller.say(self.number, tasks.ENDS)
        tasks.teller.say(0, tasks.IDLE)
