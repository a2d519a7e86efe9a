"""What boto3 can do with objects, in one process: objects_boto3.py BUCKET FOLDER."""

import io
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

BUCKET, FOLDER = sys.argv[1:]
s3 = boto3.client("s3")

# Taken: as a whole, in ranges, by a transfer in parts and by the resource.
s3.get_object(Bucket=BUCKET, Key="in/whole")["Body"].read()
for first in (0, 2):
    s3.get_object(Bucket=BUCKET, Key="in/ranges", Range=f"bytes={first}-{first + 1}")["Body"].read()
parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
s3.download_file(BUCKET, "in/large", f"{FOLDER}/large", Config=parts)
boto3.resource("s3").Object(BUCKET, "in/resource ü?#").get()["Body"].read()

# Made: at once, in parts, by copying, and read back.
s3.put_object(Bucket=BUCKET, Key="out/put", Body=b"put")
s3.get_object(Bucket=BUCKET, Key="out/put")["Body"].read()
s3.upload_file(f"{FOLDER}/large", BUCKET, "out/large", Config=parts)
s3.upload_fileobj(io.BytesIO(b"stream"), BUCKET, "out/stream")
s3.copy_object(Bucket=BUCKET, Key="out/copy", CopySource={"Bucket": BUCKET, "Key": "in/copied"})
s3.put_object(Bucket=BUCKET, Key="in/replaced", Body=b"after")

# Gone: what was there before, one at once and two together; and what was made here.
s3.delete_object(Bucket=BUCKET, Key="in/deleted")
s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "in/deleted1"}, {"Key": "in/deleted2"}], "Quiet": True})
s3.put_object(Bucket=BUCKET, Key="out/temporary", Body=b"x")
s3.delete_object(Bucket=BUCKET, Key="out/temporary")

# Nothing: heads, lists, an upload that is given up, what is not there, what is refused.
s3.head_object(Bucket=BUCKET, Key="in/head")
s3.list_objects_v2(Bucket=BUCKET)
upload = s3.create_multipart_upload(Bucket=BUCKET, Key="out/abandoned")["UploadId"]
s3.upload_part(Bucket=BUCKET, Key="out/abandoned", UploadId=upload, PartNumber=1, Body=b"part")
s3.abort_multipart_upload(Bucket=BUCKET, Key="out/abandoned", UploadId=upload)
for call in (
    lambda: s3.get_object(Bucket=BUCKET, Key="in/missing"),
    lambda: s3.put_object(Bucket="no-such-bucket", Key="out/failed", Body=b"x"),
):
    try:
        call()
    except ClientError:
        continue
    raise AssertionError("it should fail")

# A child that is killed right after the store has answered.
if os.fork() == 0:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="out/killed", Body=b"killed")
    os.kill(os.getpid(), 9)
os.wait()
