"""The calls of calls.go, by boto3 as it is."""

import os

import boto3
from botocore.exceptions import BotoCoreError, ClientError

name = os.environ["NAME"]


def attempt(what, call, **arguments):
    try:
        call(**arguments)
        print(f"python {what}: ok", flush=True)
    except ClientError as e:
        print(f"python {what}: {e.response['Error']['Code']}", flush=True)
    except BotoCoreError as e:
        print(f"python {what}: {e}", flush=True)


s3, ecr, logs, secrets = (boto3.client(service) for service in ("s3", "ecr", "logs", "secretsmanager"))
attempt("s3 get", s3.get_object, Bucket=name, Key="open")
attempt("s3 get other", s3.get_object, Bucket=name, Key="closed")
attempt("s3 put", s3.put_object, Bucket=name, Key="open", Body=b"changed")
attempt("ecr describe", ecr.describe_repositories, repositoryNames=[name])
attempt("ecr list", ecr.list_images, repositoryName=name)
attempt("logs describe", logs.describe_log_streams, logGroupName=name)
attempt("logs create", logs.create_log_stream, logGroupName=name, logStreamName="x")
attempt("secret get", secrets.get_secret_value, SecretId=name + "-open")
attempt("secret get other", secrets.get_secret_value, SecretId=name + "-closed")
