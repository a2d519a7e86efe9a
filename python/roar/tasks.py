"""Tells the tracer which task a thread works for.

The tracer sees every truncation of a file in its place among the other calls of the thread. So a process that has tasks keeps a
file in the directory that `ROAR_TASKS` names, and the length that it gives to the file says which task begins, goes on or ends.
What the tasks are called is in a second file beside it, and so is what no tracer sees: the objects of object stores (objects.py).
"""

import contextvars
import itertools
import json
import os
import threading
import uuid

# What the low bits of the length say of the task whose number is in the others (rust/crates/tracer-fd/src/tasks.rs).
IDLE, BEGINS, WORKS_FOR, ENDS = range(4)
VERB_BITS = 2
NOTHING = 2

# The task of what runs now, which follows coroutines.
current = contextvars.ContextVar("roar_task", default=None)


class Teller:
    """Tells of the tasks of one process."""

    def __init__(self, directory):
        self.directory = directory
        self.begin()

    def begin(self):
        # Where a child begins anew, another thread of its parent may have held the lock.
        self.lock = threading.Lock()
        self.path = self.names = None
        self.numbers = itertools.count(1)

    def open(self):
        self.stem = os.path.join(self.directory, uuid.uuid4().hex)
        self.names = os.open(self.stem + ".jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, **said):
        """Says something in words."""
        if self.names is None:
            with self.lock:
                if self.names is None:
                    self.open()
        self.write(json.dumps(said).encode() + b"\n")

    def write(self, line):
        # One write, so that it is there whole as soon as it is there, whoever is killed then.
        if os.write(self.names, line) != len(line):
            raise OSError("no room")

    def say(self, number, verb):
        """Says something of the thread that calls. What cannot be said costs attribution, not the task."""
        try:
            os.truncate(self.path, number << VERB_BITS | verb)
        except OSError:
            pass

    def add(self, said):
        """Gives a task its number, and says what it is called: `said` is what stands behind the number in an object of JSON."""
        if self.path is None:
            self.make_path()
        number = next(self.numbers)
        self.write(b'{"number":%d,%b}\n' % (number, said))
        return number

    def make_path(self):
        with self.lock:
            if self.path is None:
                if self.names is None:
                    self.open()
                os.close(os.open(self.stem + ".task", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                self.path = os.fsencode(self.stem + ".task")


class Local(threading.local):
    task = None


teller = Teller(os.environ["ROAR_TASKS"])
local = Local()
# A child made by fork is a process of its own, with the same numbers: it needs files of its own.
os.register_at_fork(after_in_child=teller.begin)


def now():
    """Returns the task that the caller works for, or None."""
    return current.get() or local.task


class Task:
    """A task while it runs on the thread that enters it, and whatever else is entered then. Every task pays for what is done here."""

    __slots__ = ("said", "inner", "number", "before")

    def __init__(self, said, inner):
        self.said, self.inner = said, inner

    def __enter__(self):
        number = self.number = teller.add(self.said)
        self.before, local.task = local.task, number
        teller.say(number, BEGINS)
        return self.inner.__enter__()

    def __exit__(self, *raised):
        try:
            return self.inner.__exit__(*raised)
        finally:
            local.task = self.before
            teller.say(self.number, ENDS)
            if self.before:
                teller.say(self.before, WORKS_FOR)


def run_for(task, function, *arguments, **options):
    """Runs a function for a task on a thread that works for none."""
    before, local.task = local.task, task
    teller.say(task, WORKS_FOR)
    try:
        return function(*arguments, **options)
    finally:
        local.task = before
        teller.say(before or 0, WORKS_FOR if before else NOTHING)


class Steps:
    """Runs a coroutine step by step, for the task, on the thread of the event loop, which works for none in between."""

    def __init__(self, coroutine, task):
        self.coroutine, self.task = coroutine, task

    def __await__(self):
        steps = self.coroutine.__await__()
        step, value = steps.send, None
        while True:
            teller.say(self.task, WORKS_FOR)
            try:
                wanted = step(value)
            except StopIteration as done:
                return done.value
            finally:
                teller.say(0, IDLE)
            try:
                step, value = steps.send, (yield wanted)
            except BaseException as error:
                step, value = steps.throw, error


def follow_threads():
    """A thread works for the task that started it, also when that has ended; what a pool is given, for the task that gave it."""
    from concurrent.futures import ThreadPoolExecutor

    start, bootstrap, submit = threading.Thread.start, threading.Thread._bootstrap_inner, ThreadPoolExecutor.submit

    def roar_start(self):
        self._roar_task = now()
        return start(self)

    def roar_bootstrap(self):
        task = getattr(self, "_roar_task", None)
        if task is None:
            return bootstrap(self)
        return run_for(task, bootstrap, self)

    def roar_submit(self, function, /, *arguments, **options):
        task = now()
        if task is None:
            return submit(self, function, *arguments, **options)
        return submit(self, run_for, task, function, *arguments, **options)

    threading.Thread.start, threading.Thread._bootstrap_inner = roar_start, roar_bootstrap
    ThreadPoolExecutor.submit = roar_submit


def follow_callbacks():
    """What an event loop of the standard library calls works for the task that had it called."""
    from asyncio import events

    run = events.Handle._run

    def roar_run(self):
        task = self._context.get(current) if self._context is not None else None
        if task is None:
            return run(self)
        teller.say(task, WORKS_FOR)
        try:
            return run(self)
        finally:
            teller.say(0, IDLE)

    events.Handle._run = roar_run
