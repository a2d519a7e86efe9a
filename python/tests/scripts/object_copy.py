"""Reads one object and writes another: object_copy.py s3://BUCKET/KEY s3://BUCKET/KEY."""

import sys

import boto3


def place(url):
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


s3 = boto3.client("s3")
body = s3.get_object(**place(sys.argv[1]))["Body"].read()
s3.put_object(**place(sys.argv[2]), Body=body + b"!")
