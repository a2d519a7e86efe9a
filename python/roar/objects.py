"""Tells roar what a Python library reads from an object store, writes there and deletes, which no tracer sees.

A line is written when the store has answered that it is done: what was not said then did not happen, or the process was killed between
the two. Nothing that goes wrong here reaches the program.
"""

import functools
import os
import sys
import threading
import time
from urllib.parse import urlsplit

from roar import tasks

# Where AWS's own servers are: an object there needs no endpoint to be known by.
AWS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")

# Reads of a process that are remembered, so that what is read in a thousand ranges is told of once: some 10 MB.
READS_MAX = 50_000

lock = threading.Lock()
reads = set()
missed = set()


def miss(what, kind="unseen_objects"):
    """Says that something is not seen: once to the person, and in the record, as a gap of a kind."""
    if what in missed or not os.path.isdir(tasks.teller.directory):
        # Said already, or the run is over that it would be said to.
        return
    missed.add(what)
    try:
        print(f"roar: {what}", file=sys.stderr)
        tasks.teller.note(gap=what, kind=kind, pid=os.getpid())
    except Exception:
        pass


def guarded(function):
    """A function that is called beside the program's own work: what it raises is a gap, and no error of the program."""

    @functools.wraps(function)
    def roar_guarded(*arguments, **options):
        try:
            return function(*arguments, **options)
        except Exception as error:
            miss(f"an object of an object store was used and cannot be told of: {error!r}")
            return None

    return roar_guarded


def endpoint_of(url):
    """Returns the server as it is told of: None for AWS's own."""
    if not url:
        return None
    parts = urlsplit(url if "//" in url else "https://" + url)
    host = (parts.hostname or "").lower()
    if host.endswith(AWS):
        return None
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def told(deed, bucket, key, endpoint, version=None, etag=None, size=None):
    """Tells that something was done: `read`, `write` or `delete`."""
    url = f"s3://{bucket}/{key}"
    # What a bucket calls "null" is any version that was made while it kept none.
    version = None if version == "null" else version
    etag = etag.strip('"') if etag else None
    task = tasks.now()
    if deed == "read":
        read = (url, endpoint, version, etag, task)
        with lock:
            if read in reads:
                return
            if len(reads) >= READS_MAX:
                reads.clear()
            reads.add(read)
    elif reads:
        with lock:
            reads.difference_update([read for read in reads if read[0] == url])
    said = {"endpoint": endpoint, "version": version, "etag": etag, "size": size, "task": task}
    said = {name: value for name, value in said.items() if value is not None}
    tasks.teller.note(object=deed, url=url, pid=os.getpid(), time_ns=time.time_ns(), **said)


def forget():
    global lock
    # Another thread may have held it when the child was made.
    lock = threading.Lock()
    reads.clear()
    missed.clear()


os.register_at_fork(after_in_child=forget)
