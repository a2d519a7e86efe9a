"""What botocore does with S3, and hence boto3 with its transfers in parts, and by aiobotocore s3fs and fsspec.

Every call of a client goes through `_make_api_call`, whichever method, resource, waiter or paginator it comes from.
"""

import functools
import urllib.parse

from roar import objects


def install(client):
    """Has the calls of `botocore.client` told of."""
    call = client.BaseClient._make_api_call

    @functools.wraps(call)
    def roar_call(self, operation, parameters):
        asked = before(self, operation, parameters)
        answer = call(self, operation, parameters)
        if asked is not None:
            after(asked, answer)
        return answer

    client.BaseClient._make_api_call = roar_call


def install_asynchronous(client):
    """Has the calls of `aiobotocore.client` told of."""
    call = client.AioBaseClient._make_api_call

    @functools.wraps(call)
    async def roar_call(self, operation, parameters):
        asked = before(self, operation, parameters)
        answer = await call(self, operation, parameters)
        if asked is not None:
            after(asked, answer)
        return answer

    client.AioBaseClient._make_api_call = roar_call


@objects.guarded
def before(client, operation, parameters):
    """Returns what is to be told of a call once it is answered, or None. The call itself changes its parameters."""
    tell = OPERATIONS.get(operation)
    if tell is None or client.meta.service_model.service_name != "s3" or not isinstance(parameters, dict):
        return None
    return tell, dict(parameters), objects.endpoint_of(client.meta.endpoint_url)


@objects.guarded
def after(asked, answer):
    tell, parameters, endpoint = asked
    tell(parameters, answer, endpoint)


def place(parameters):
    return parameters["Bucket"], parameters["Key"]


def read(parameters, answer, endpoint):
    length = answer.get("ContentLength")
    if answer.get("ContentRange"):
        # bytes 0-9/100
        total = answer["ContentRange"].rpartition("/")[2]
        length = int(total) if total.isdigit() else None
    objects.told("read", *place(parameters), endpoint, answer.get("VersionId"), answer.get("ETag"), length)


def select(parameters, answer, endpoint):
    objects.told("read", *place(parameters), endpoint)


def put(parameters, answer, endpoint):
    body = parameters.get("Body", b"")
    size = len(body) if isinstance(body, (bytes, bytearray)) else parameters.get("ContentLength")
    objects.told("write", *place(parameters), endpoint, answer.get("VersionId"), answer.get("ETag"), size)


def complete(parameters, answer, endpoint):
    objects.told("write", *place(parameters), endpoint, answer.get("VersionId"), answer.get("ETag"))


def copy(parameters, answer, endpoint):
    read_source(parameters, answer, endpoint)
    made = answer.get("CopyObjectResult", {})
    objects.told("write", *place(parameters), endpoint, answer.get("VersionId"), made.get("ETag"))


def read_source(parameters, answer, endpoint):
    """The answer to a copy does not say what ETag the source has; where the caller has asked for one, it had that."""
    source, version = parameters["CopySource"], None
    if isinstance(source, dict):
        bucket, key, version = source["Bucket"], source["Key"], source.get("VersionId")
    else:
        source, _, query = source.partition("?versionId=")
        bucket, _, key = urllib.parse.unquote(source.lstrip("/")).partition("/")
        version = query or None
    version = answer.get("CopySourceVersionId") or version
    objects.told("read", bucket, key, endpoint, version, parameters.get("CopySourceIfMatch"))


def delete(parameters, answer, endpoint):
    objects.told("delete", *place(parameters), endpoint, parameters.get("VersionId"))


def delete_several(parameters, answer, endpoint):
    failed = {(error.get("Key"), error.get("VersionId")) for error in answer.get("Errors", [])}
    for wanted in parameters["Delete"]["Objects"]:
        version = wanted.get("VersionId")
        if (wanted["Key"], version) not in failed:
            objects.told("delete", parameters["Bucket"], wanted["Key"], endpoint, version)


# What is told of an operation. Heads and lists take no content, and the parts of an upload are nothing before it is completed.
OPERATIONS = {
    "GetObject": read,
    "SelectObjectContent": select,
    "PutObject": put,
    "CompleteMultipartUpload": complete,
    "CopyObject": copy,
    "UploadPartCopy": read_source,
    "DeleteObject": delete,
    "DeleteObjects": delete_several,
}
