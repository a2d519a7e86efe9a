"""Fetches the pieces of a submitted job through the cluster's dashboard, as whoever has submitted it.

    python -m roar.backends.ray.fetch RUN INTO SECONDS < JOB

JOB is the line that `submit` has told of the job. What is fetched is put into a directory, each piece a file. Of a job that has ended, it is
asked until every stream has ended that has begun, but for no more than SECONDS. Answers with a line of JSON.
"""

import json
import os
import sys
import time

from . import pieces

# Seconds between two looks.
LOOK = 0.3


class Dashboard:
    """The dashboard of a cluster, and a job there."""

    def __init__(self, job):
        from ray.job_submission import JobSubmissionClient

        headers = {**json.loads(os.environ.get("RAY_JOB_HEADERS") or "{}"), **job["headers"]}
        self.client = JobSubmissionClient(job["address"], headers=headers or None, verify=job["verify"])
        self.submission = job["submission"]

    def info(self):
        return self.client.get_job_info(self.submission)

    def ask(self, path, **parameters):
        answer = self.client._do_request("GET", path, params=parameters)
        if answer.status_code != 200:
            raise OSError(f"the dashboard answers {answer.status_code}: {answer.text[:300]}")
        return answer

    def files(self, node, run):
        """Returns the names of the files of pieces on a node."""
        listed = self.ask("/api/v0/logs", node_id=node, glob=f"roar-{run}/*").json()["data"]["result"]
        return sorted(name for names in listed.values() for name in names)

    def file(self, node, name):
        return self.ask("/api/v0/logs/file", node_id=node, filename=name, lines=-1).content


def parts(file):
    """Returns the pieces in a file, by name. The last may not be whole yet."""
    at = 0
    while (end := file.find(b"\n", at)) >= 0:
        name, length = file[at:end].decode().split(" ")
        at = end + 1 + int(length)
        if at > len(file):
            return
        yield name, file[end + 1 : at]


def fetch(job, run, into, patience):
    dashboard = Dashboard(job)
    streams = pieces.Streams(pieces.listed(into))
    whole, until = set(), None
    while True:
        info = dashboard.info()
        node = info.driver_node_id
        files = dashboard.files(node, run) if node else []
        for name in files:
            if name in whole:
                continue
            for piece, content in parts(dashboard.file(node, name)):
                if pieces.NAME.fullmatch(piece) and not os.path.exists(os.path.join(into, piece)):
                    pieces.write(into, piece, content)
                    streams.add(piece)
            if name != files[-1]:
                whole.add(name)
        has_ended = info.status.is_terminal()
        until = until or time.monotonic() + patience
        if not has_ended or streams.have_ended() or time.monotonic() >= until:
            return {"status": info.status.value, "has_ended": has_ended, "host": address_of(info)}
        time.sleep(LOOK)


def address_of(info):
    return getattr(info.driver_info, "node_ip_address", None) if info.driver_info else None


def main(run, into, patience):
    try:
        said = fetch(json.load(sys.stdin), run, into, float(patience))
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
