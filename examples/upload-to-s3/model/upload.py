"""Uploads a file of the image to a bucket, with the task's role.

BUCKET names the bucket. With READ_BACK the object is read again, which needs
one permission more.
"""

import logging
import os
import sys

import boto3
from botocore.exceptions import ClientError

logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
log = logging.getLogger("upload")
log.setLevel(logging.INFO)

FILE = "model/sample.txt"
KEY = "ecs-example/sample.txt"


def main():
    s3 = boto3.resource("s3")
    s3.meta.client.meta.events.register("before-send.s3", lambda request, **_: log.info("%s %s", request.method, request.url))
    bucket = s3.Bucket(os.environ["BUCKET"])
    log.info("writing %s -> %s/%s", FILE, bucket.name, KEY)
    with open(FILE, "rb") as data:
        bucket.put_object(Key=KEY, Body=data)
    if os.environ.get("READ_BACK"):
        log.info("read back %d bytes", len(bucket.Object(KEY).get()["Body"].read()))
    log.info("done")


if __name__ == "__main__":
    try:
        main()
    except ClientError as refusal:
        sys.exit(str(refusal))
