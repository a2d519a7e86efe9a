"""A node's agent: carries pieces to Ray's own store, and from there to where they are fetched.

    python -m roar.backends.ray.agent carry PLACE RUN HEAD
    python -m roar.backends.ray.agent drain INTO RUN HEAD SECONDS
    python -m roar.backends.ray.agent unseen RUN HEAD PROCESS REASON

`roar ray worker` leaves pieces in the outbox of its node's PLACE, and starts one agent there. On the driver's node the agent also takes the
pieces of all nodes out of the store, and adds them to a file among the logs of the session, which the dashboard gives to the host
that has submitted the job. It ends when nobody on its node sends any more, and nothing is left to take.

`roar run` on a machine of the cluster, or on one that reaches it by Ray Client, takes pieces out with `drain`, until every stream has ended
that has begun, but for no more than SECONDS. With `unseen` a node tells of a worker that runs without a tracer.
"""

import fcntl
import os
import shutil
import sys
import time

from . import pieces

# In PLACE: what waits to be sent, the lock of whoever sends, the agent's, and the file that says that this one drains.
OUTBOX, USERS, AGENT, DRAINS = "outbox", "users", "agent", "drains"

# Seconds between two looks: with those of the sender what a lost node can lose.
LOOK = 0.1

# Seconds for which other nodes may have nothing to say after this one's last word.
IDLE = 10

# Bytes from which on a file of fetched pieces is followed by another.
FILE_BYTES = 8 << 20


def lock(path, how):
    """Returns an open file with a lock on it, or None where somebody else has one."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def send(outbox, head):
    """Sends what is in the outbox; returns whether there was anything."""
    names = pieces.listed(outbox)
    for name in names:
        path = os.path.join(outbox, name)
        with open(path, "rb") as file:
            head.put(name, file.read())
        # From now on the sender knows that it has arrived.
        os.unlink(path)
    return bool(names)


class Drain:
    """Takes pieces out of the store."""

    def __init__(self, head, keep, known=()):
        self.head, self.keep = head, keep
        self.streams = pieces.Streams(known)

    def take(self):
        """Takes what is there; returns whether there was anything."""
        names = list(filter(pieces.NAME.fullmatch, self.head.names()))
        for name in names:
            piece = self.head.get(name)
            if piece is not None:
                self.keep(name, piece)
                self.streams.add(name)
                self.head.drop(name)
            # Also one that another has taken meanwhile.
            self.streams.last = time.monotonic()
        return bool(names)

    def is_idle(self):
        """Returns whether nothing more is expected of other nodes."""
        return self.streams.have_ended() or time.monotonic() - self.streams.last > IDLE


class Files:
    """Files among the logs, to which pieces are added: a line with name and length, then the piece."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, mode=0o700, exist_ok=True)

    def add(self, name, piece):
        taken = sorted(os.listdir(self.directory))
        path = os.path.join(self.directory, taken[-1] if taken else "pieces.00000000")
        if taken and os.path.getsize(path) > FILE_BYTES:
            path = os.path.join(self.directory, f"pieces.{len(taken):08}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(file, "wb") as file:
            file.write(f"{name} {len(piece)}\n".encode() + piece)


def carry(place, run, address):
    # Whatever becomes of the processes that have started it: it ends by itself.
    os.setsid()
    mine = lock(os.path.join(place, AGENT), fcntl.LOCK_EX)
    if mine is None:
        return
    head = pieces.Head.at(run, address)
    outbox, drains = os.path.join(place, OUTBOX), os.path.join(place, DRAINS)
    drain = None
    while True:
        moved = send(outbox, head)
        if drain is None and os.path.exists(drains):
            drain = Drain(head, Files(os.path.join(head.logs(), f"roar-{run}")).add)
        if drain is not None:
            moved |= drain.take()
        if not moved:
            if (drain is None or drain.is_idle()) and leave(place, outbox):
                return
            time.sleep(LOOK)


def leave(place, outbox):
    """Clears the place away, unless somebody is there who sends."""
    users = lock(os.path.join(place, USERS), fcntl.LOCK_EX)
    if users is None or pieces.listed(outbox):
        if users is not None:
            os.close(users)
        return False
    shutil.rmtree(place, ignore_errors=True)
    return True


def reach(run, address):
    """Returns the store of a run at the head of a cluster, or by Ray Client."""
    if "://" not in address:
        return pieces.Head.at(run, address)
    import ray

    ray.init(address, logging_level="ERROR")
    return pieces.Client(run)


def drain(into, run, address, patience):
    head = reach(run, address)
    draining = Drain(head, lambda name, piece: pieces.write(into, name, piece), pieces.listed(into))
    until = time.monotonic() + float(patience)
    while draining.take() or not draining.streams.have_ended():
        # What has come is taken whole. A worker that outlives the job may go on for ever.
        if time.monotonic() > until:
            break
        time.sleep(LOOK)


def unseen(run, address, process, reason):
    pieces.Head.at(run, address).put(pieces.UNSEEN + process, reason.encode())


if __name__ == "__main__":
    {"carry": carry, "drain": drain, "unseen": unseen}[sys.argv[1]](*sys.argv[2:])
