"""Pieces of what tracers have seen, sealed by `roar` for whoever records the job: their names, and Ray's own store of them.

The store is the internal key-value store of the cluster's head. It is memory: a piece is taken out as soon as it is on a disk.
"""

import os
import re
import time

# Stream, number, and whether it is the last (`rust/crates/roar-fragments/src/piece.rs`).
NAME = re.compile(r"(?P<stream>[0-9a-f]{32})\.[0-9]{8,10}(?P<last>\.end)?")

# How the names begin by which the head is told of a worker without a tracer: then host and process. What is kept there is the reason.
UNSEEN = "unseen."

# Seconds that the head may take to answer.
PATIENCE = 10


def listed(directory):
    """Returns the names of the pieces in a directory, in order."""
    return sorted(name for name in os.listdir(directory) if NAME.fullmatch(name))


def write(directory, name, piece):
    """Writes a piece whole, or not at all."""
    unfinished = os.path.join(directory, f".{name}")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(file, "wb") as file:
        file.write(piece)
    os.rename(unfinished, os.path.join(directory, name))


class Streams:
    """Which streams have begun, which of them have ended, and when a piece of one was seen last."""

    def __init__(self, names=()):
        self.begun, self.ended = set(), set()
        self.last = time.monotonic()
        for name in names:
            self.add(name)

    def add(self, name):
        words = NAME.fullmatch(name)
        self.begun.add(words["stream"])
        if words["last"]:
            self.ended.add(words["stream"])
        self.last = time.monotonic()

    def have_ended(self):
        """Returns whether nothing more is expected."""
        return bool(self.begun) and self.begun == self.ended


def space(run):
    """Returns the namespace of a run in the store."""
    return f"roar-{run}".encode()


class Head:
    """What there is of a run in the memory of the cluster's head."""

    def __init__(self, run, client, patience=PATIENCE):
        self.client, self.patience = client, patience
        self.space = space(run)

    @classmethod
    def at(cls, run, address):
        from ray._raylet import GcsClient

        return cls(run, GcsClient(address=address))

    def put(self, name, piece):
        self.client.internal_kv_put(name.encode(), piece, True, self.space, self.patience)

    def names(self):
        return sorted(key.decode() for key in self.client.internal_kv_keys(b"", self.space, self.patience))

    def get(self, name):
        return self.client.internal_kv_get(name.encode(), self.space, self.patience)

    def drop(self, name):
        self.client.internal_kv_del(name.encode(), False, self.space, self.patience)

    def logs(self):
        """Returns where this node has its logs of the session, which the dashboard gives to whoever may submit jobs."""
        # Each node says where its raylet listens: in `sockets` of the session's directory.
        sessions = {os.path.dirname(os.path.dirname(node.raylet_socket_name)) for node in self.client.get_all_node_info().values()}
        for logs in (os.path.join(session, "logs") for session in sorted(sessions)):
            if os.path.isdir(logs):
                return logs
        raise OSError("this node has no directory for logs of the session")


class Client:
    """The same as whoever is connected by Ray Client sees it, from outside of the cluster."""

    def __init__(self, run):
        from ray.experimental import internal_kv

        self.store = internal_kv
        self.space = space(run)

    def names(self):
        return sorted(key.decode() for key in self.store._internal_kv_list(b"", namespace=self.space))

    def get(self, name):
        return self.store._internal_kv_get(name, namespace=self.space)

    def drop(self, name):
        self.store._internal_kv_del(name, namespace=self.space)
