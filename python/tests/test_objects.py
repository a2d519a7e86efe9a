"""Objects of S3, held against what the server lists: keys, versions and ETags."""

import io
import json
import logging
import os
import subprocess
import sys

import boto3
import pyarrow
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer

from conftest import BACKENDS, ROAR

TABLE = pyarrow.table({"a": [1, 2]})


@pytest.fixture(scope="module")
def server():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class Bucket:
    def __init__(self, server, name, has_versions):
        self.server, self.name = server, name
        self.variables = {
            "AWS_ENDPOINT_URL": server,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.s3 = boto3.client("s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
        self.s3.create_bucket(Bucket=name)
        if has_versions:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key, body=b"body"):
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def listed(self):
        """Returns the key, version and ETag of all there is and was."""
        versions = self.s3.list_object_versions(Bucket=self.name).get("Versions", [])
        return {(v["Key"], None if v["VersionId"] == "null" else v["VersionId"], v["ETag"].strip('"')) for v in versions}

    def recorded(self, record, role):
        found = [object for object in record.report.get("objects", []) if object["role"] == role]
        assert all(object["endpoint"] == self.server for object in found)
        prefix = f"s3://{self.name}/"
        assert all(object["url"].startswith(prefix) for object in found)
        return {(object["url"].removeprefix(prefix), object["version"], object["etag"]) for object in found}


@pytest.fixture(params=["plain", "versions"])
def bucket(server, request, tmp_path):
    return Bucket(server, f"b{os.urandom(6).hex()}", request.param == "versions")


def of_keys(listed, keys):
    return {found for found in listed if found[0] in keys}


# Versions are the same whoever traces.
@pytest.mark.parametrize(("bucket", "backend"), [*(("plain", name) for name in BACKENDS), ("versions", "preload")], indirect=["bucket"])
def test_what_boto3_does_is_what_the_server_lists(project, bucket, backend):
    taken = {"in/whole", "in/ranges", "in/large", "in/resource ü?#"}
    gone = {"in/deleted", "in/deleted1", "in/deleted2"}
    for key in taken | gone | {"in/copied", "in/replaced", "in/head"}:
        bucket.put(key, key.encode() if key != "in/large" else os.urandom(11 << 20))
    before = bucket.listed()
    record = project.run("objects_boto3.py", bucket.name, str(project.folder), backend=backend, **bucket.variables)
    after = bucket.listed()
    assert record.report["coverage"]["complete"], record.report["coverage"]
    copied = {(key, version, None) for key, version, _ in of_keys(before, {"in/copied"})}
    assert bucket.recorded(record, "input") == of_keys(before, taken) | copied
    made = {found for found in after - before if found[0] != "out/temporary"}
    assert {key for key, *_ in made} == {"out/put", "out/large", "out/stream", "out/copy", "out/killed", "in/replaced"}
    assert bucket.recorded(record, "output") == made
    assert bucket.recorded(record, "deleted") == {(key, None, None) for key in gone}
    assert {key for key, *_ in bucket.recorded(record, "temporary")} == {"out/temporary"}
    sizes = {object["url"].removeprefix(f"s3://{bucket.name}/"): object["size"] for object in record.report["objects"]}
    assert (sizes["in/ranges"], sizes["in/large"]) == (len("in/ranges"), 11 << 20)
    # An ETag is no hash, and an object is no file.
    assert not [file for file in record.report["files"] if "s3:" in file["path"]]


WAYS = {
    "files": ({"in/whole", "in/ranges", "in/copied"}, {"out/stream", "out/copy"}, {"in/deleted"}),
    "parquet": ({"in/one.parquet", "in/two.parquet"}, {"out/one.parquet"}, set()),
    "dataset": ({"in/set/x/part.parquet"}, {"out/set/x/part-0.parquet", "out/set/y/part-0.parquet"}, set()),
    "s3fs": ({"in/whole", "in/table.csv"}, {"out/stream", "out/table.csv"}, {"in/deleted"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_pyarrow_and_s3fs_do_is_what_the_server_lists(project, bucket, way):
    file = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, file)
    for key in ["in/one.parquet", "in/two.parquet", "in/set/x/part.parquet", "in/set/y/part.parquet"]:
        bucket.put(key, file.getvalue())
    bucket.put("in/table.csv", b"a,b\n1,2\n")
    for key in ["in/whole", "in/ranges", "in/copied", "in/deleted", "in/head"]:
        bucket.put(key)
    before = bucket.listed()
    record = project.run("objects_arrow.py", bucket.name, way, backend="preload", **bucket.variables)
    taken, made, gone = WAYS[way]
    assert bucket.recorded(record, "input") == of_keys(before, taken)
    assert {found for found in bucket.recorded(record, "output")} == of_keys(bucket.listed() - before, made)
    assert {key for key, *_ in of_keys(bucket.listed() - before, made)} == made
    assert {key for key, *_ in bucket.recorded(record, "deleted")} == gone
    assert not [gap for gap in record.report["coverage"]["gaps"] if gap["kind"] == "unseen_objects"]


def test_an_object_joins_the_job_that_wrote_it_and_the_one_that_read_it(project, bucket):
    bucket.put("in/x", b"x")
    url = f"s3://{bucket.name}"
    project.run("object_copy.py", f"{url}/in/x", f"{url}/mid", backend="preload", **bucket.variables)
    project.run("object_copy.py", f"{url}/mid", f"{url}/out", backend="preload", **bucket.variables)
    [etag] = {etag for key, _, etag in bucket.listed() if key == "mid"}
    path = f"{url}/mid?endpoint={bucket.server}"
    dag = json.loads(project.call(ROAR, "dag", "--json").stdout)
    [mid] = [at for at, artifact in enumerate(dag["artifacts"]) if artifact["paths"] == [path]]
    assert dag["artifacts"][mid]["etag"] == etag
    assert dag["artifacts"][mid]["hash"] is None and dag["artifacts"][mid]["kind"] == "object"
    assert [used["artifact"] for used in dag["jobs"][0]["outputs"]] == [mid]
    assert {"path": path, "artifact": mid, "evidence": "content"} in dag["jobs"][1]["inputs"]
    lineage = json.loads(project.call(ROAR, "lineage", f"{url}/out", "--json").stdout)
    assert [step["job"]["step"] for step in lineage["steps"]] == [1, 2]
    shown = project.call(ROAR, "show", f"{url}/mid").stdout
    assert etag[:12] in shown and "read" in shown, shown
    assert f"ETag {etag[:12]}" in project.call(ROAR, "show", "@1").stdout
    [link] = json.loads(project.call(ROAR, "why", f"{url}/out", f"{url}/mid", "--json").stdout)["steps"]
    assert (link["took"]["etag"], link["took"]["hash"]) == (etag, None)
    # What is there now is not asked for: nothing is missing, and nothing is stale.
    project.call(ROAR, "verify")
    project.call(ROAR, "stale")
    # Somebody has replaced it meanwhile: then the two are not joined.
    bucket.put("mid", b"other")
    project.run("object_copy.py", f"{url}/mid", f"{url}/last", backend="preload", **bucket.variables)
    lineage = json.loads(project.call(ROAR, "lineage", f"{url}/last", "--json").stdout)
    assert [step["job"]["step"] for step in lineage["steps"]] == [3]


def test_objects_of_a_run_that_was_broken_off_are_kept(project, bucket):
    bucket.put("in/x", b"x")
    url = f"s3://{bucket.name}"
    command = [ROAR, "run", "--tracer", "ptrace", sys.executable, "-c", KILLING, url]
    subprocess.run(command, cwd=project.folder, env={**project.environment, **bucket.variables})
    project.call(ROAR, "run", "true")
    jobs = json.loads(project.call(ROAR, "log", "--json").stdout)
    objects = []
    for job in jobs["jobs"] if isinstance(jobs, dict) else jobs:
        report = json.loads(project.call(ROAR, "show", job["id"], "--json").stdout)
        objects += [object["url"] for object in report.get("objects", [])]
    assert objects == [f"{url}/in/x"]


# Reads an object, and kills roar and the tracer above it.
KILLING = """
import os, signal, sys
import boto3
bucket = sys.argv[1].removeprefix("s3://")
boto3.client("s3").get_object(Bucket=bucket, Key="in/x")["Body"].read()
tracer = os.getppid()
roar = int(open(f"/proc/{tracer}/stat").read().rpartition(")")[2].split()[1])
os.kill(roar, signal.SIGKILL)
os.kill(tracer, signal.SIGKILL)
"""
