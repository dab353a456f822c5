"""Walks through Amazon S3 as boto3 sees it. Prints "all passed" at the end."""
import base64, hashlib, io, json, sys, time, urllib.request, zlib
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]


def client(region="eu-west-1", key="test", **config):
    return boto3.client("s3", endpoint_url=URL, region_name=region, aws_access_key_id=key, aws_secret_access_key=key,
                        config=Config(retries={"max_attempts": 1}, **config))


s3 = client()
LOCATION = {"LocationConstraint": "eu-west-1"}


def refused(code, status, call, **kw):
    began = time.time()
    try:
        call(**kw)
    except ClientError as e:
        # A refusal comes at once, also to a client that waits before it sends the body.
        assert time.time() - began < 0.8 or code == "BadDigest", (code, kw)  # BadDigest is tried again
        got = e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == (code, status), (got, code, status, e)
        return e.response["Error"]
    raise AssertionError("%s was not refused" % call)


def buckets():
    s3.create_bucket(Bucket="one", CreateBucketConfiguration=LOCATION)
    refused("BucketAlreadyOwnedByYou", 409, s3.create_bucket, Bucket="one", CreateBucketConfiguration=LOCATION)
    refused("BucketAlreadyExists", 409, client(key="other").create_bucket, Bucket="one", CreateBucketConfiguration=LOCATION)
    e = refused("IllegalLocationConstraintException", 400, s3.create_bucket, Bucket="two")
    assert e["Message"].startswith("The unspecified location constraint is incompatible"), e
    refused("IllegalLocationConstraintException", 400, s3.create_bucket, Bucket="two", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    refused("InvalidLocationConstraint", 400, client("us-east-1").create_bucket, Bucket="two", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    for name in ["ab", "Upper", "a..b", "1.2.3.4", "xn--a", "-ab", "a_b"]:
        try:
            refused("InvalidBucketName", 400, s3.create_bucket, Bucket=name, CreateBucketConfiguration=LOCATION)
        except Exception as e:
            assert "Invalid bucket name" in str(e) or "ParamValidation" in type(e).__name__, e
    us = client("us-east-1")
    us.create_bucket(Bucket="classic")
    us.create_bucket(Bucket="classic")  # the classic region says yes twice
    assert us.get_bucket_location(Bucket="classic")["LocationConstraint"] is None
    assert s3.get_bucket_location(Bucket="one")["LocationConstraint"] == "eu-west-1"
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["classic", "one"]
    assert client(key="other").list_buckets()["Buckets"] == []
    assert s3.head_bucket(Bucket="one")["BucketRegion"] == "eu-west-1"
    refused("404", 404, s3.head_bucket, Bucket="none")
    e = refused("NoSuchBucket", 404, s3.list_objects_v2, Bucket="none")
    assert e["BucketName"] == "none", e
    refused("AccessDenied", 403, client(key="other").list_objects_v2, Bucket="one")
    refused("AccessDenied", 403, s3.list_objects_v2, Bucket="one", ExpectedBucketOwner="111111111111")
    # A client that asks in the wrong region is sent to the right one, and follows.
    assert s3.head_bucket(Bucket="classic")["BucketRegion"] == "us-east-1"
    assert s3.list_objects_v2(Bucket="classic")["KeyCount"] == 0
    us.delete_bucket(Bucket="classic")
    refused("NoSuchBucket", 404, us.delete_bucket, Bucket="classic")


def settings():
    b = {"Bucket": "one"}
    assert "Status" not in s3.get_bucket_versioning(**b)
    rule = s3.get_bucket_encryption(**b)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule == {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}, rule
    s3.put_bucket_encryption(ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]}, **b)
    got = s3.put_object(Key="k", Body=b"x", **b)
    assert got["ServerSideEncryption"] == "aws:kms" and got["SSEKMSKeyId"].startswith("arn:aws:kms:eu-west-1:000000000000:key/") and got["BucketKeyEnabled"], got
    assert s3.head_object(Key="k", **b)["SSEKMSKeyId"] == got["SSEKMSKeyId"]
    refused("KMS.NotFoundException", 400, s3.put_object, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="none", **b)
    s3.delete_bucket_encryption(**b)
    assert s3.put_object(Key="k", Body=b"x", **b)["ServerSideEncryption"] == "AES256"
    s3.delete_object(Key="k", **b)

    block = s3.get_public_access_block(**b)["PublicAccessBlockConfiguration"]
    assert block == dict(BlockPublicAcls=True, IgnorePublicAcls=True, BlockPublicPolicy=True, RestrictPublicBuckets=True), block
    public = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/*"}]})
    refused("AccessDenied", 403, s3.put_bucket_policy, Policy=public, **b)
    s3.delete_public_access_block(**b)
    refused("NoSuchPublicAccessBlockConfiguration", 404, s3.get_public_access_block, **b)
    s3.put_bucket_policy(Policy=public, **b)
    assert s3.get_bucket_policy(**b)["Policy"] == public
    assert s3.get_bucket_policy_status(**b)["PolicyStatus"]["IsPublic"] is True
    assert client(key="other").list_objects_v2(**b)["KeyCount"] == 0
    s3.put_public_access_block(PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}, **b)
    refused("AccessDenied", 403, client(key="other").list_objects_v2, **b)
    refused("MalformedPolicy", 400, s3.put_bucket_policy, Policy="[]", **b)
    refused("MalformedPolicy", 400, s3.put_bucket_policy, Policy="{}", **b)
    s3.delete_bucket_policy(**b)
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, **b)

    refused("NoSuchTagSet", 404, s3.get_bucket_tagging, **b)
    s3.put_bucket_tagging(Tagging={"TagSet": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]}, **b)
    assert s3.get_bucket_tagging(**b)["TagSet"] == [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]
    refused("InvalidTag", 400, s3.put_bucket_tagging, Tagging={"TagSet": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]}, **b)
    refused("InvalidTag", 400, s3.put_bucket_tagging, Tagging={"TagSet": [{"Key": "aws:x", "Value": ""}]}, **b)
    s3.delete_bucket_tagging(**b)

    assert s3.get_bucket_ownership_controls(**b)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    refused("AccessControlListNotSupported", 400, s3.put_object, Key="k", ACL="public-read", **b)
    s3.put_bucket_ownership_controls(OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}, **b)
    refused("NotImplemented", 501, s3.put_object, Key="k", ACL="public-read", **b)
    s3.delete_bucket_ownership_controls(**b)
    refused("OwnershipControlsNotFoundError", 404, s3.get_bucket_ownership_controls, **b)
    acl = s3.get_bucket_acl(**b)
    assert acl["Grants"][0]["Permission"] == "FULL_CONTROL" and acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"], acl
    refused("NotImplemented", 501, s3.get_bucket_cors, **b)  # not carried out, and said so


def objects():
    b = {"Bucket": "one"}
    body = b"hello world"
    put = s3.put_object(Key="dir/a b+ü.txt", Body=body, ContentType="text/plain", CacheControl="no-cache", Metadata={"Key": "Value"}, Tagging="t=1&u=2", **b)
    assert put["ETag"] == '"%s"' % hashlib.md5(body).hexdigest()
    assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode(), put
    got = s3.get_object(Key="dir/a b+ü.txt", ChecksumMode="ENABLED", **b)
    assert got["Body"].read() == body and got["ContentType"] == "text/plain" and got["CacheControl"] == "no-cache" and got["Metadata"] == {"key": "Value"}
    assert got["ContentLength"] == 11 and got["TagCount"] == 2 and got["ChecksumCRC32"] == put["ChecksumCRC32"] and got["AcceptRanges"] == "bytes" and "VersionId" not in got
    head = s3.head_object(Key="dir/a b+ü.txt", **b)
    assert head["ContentLength"] == 11 and head["ETag"] == put["ETag"] and "ChecksumCRC32" not in head
    assert s3.put_object(Key="empty", **b)["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert s3.head_object(Key="empty", **b)["ContentLength"] == 0 and s3.get_object(Key="empty", **b)["Body"].read() == b""

    for header, want, content_range in [("bytes=0-4", b"hello", "bytes 0-4/11"), ("bytes=6-", b"world", "bytes 6-10/11"), ("bytes=-3", b"rld", "bytes 8-10/11"), ("bytes=6-100", b"world", "bytes 6-10/11")]:
        part = s3.get_object(Key="dir/a b+ü.txt", Range=header, **b)
        assert part["Body"].read() == want and part["ContentRange"] == content_range and part["ResponseMetadata"]["HTTPStatusCode"] == 206, header
    e = refused("InvalidRange", 416, s3.get_object, Key="dir/a b+ü.txt", Range="bytes=11-", **b)
    assert e["ActualObjectSize"] == "11" and e["RangeRequested"] == "bytes=11-", e

    key = dict(Key="dir/a b+ü.txt", **b)
    refused("304", 304, s3.get_object, IfNoneMatch=put["ETag"], **key)
    refused("304", 304, s3.head_object, IfModifiedSince=got["LastModified"], **key)
    e = refused("PreconditionFailed", 412, s3.get_object, IfMatch='"x"', **key)
    assert e["Condition"] == "If-Match", e
    refused("412", 412, s3.head_object, IfUnmodifiedSince="Wed, 21 Oct 2015 07:28:00 GMT", **key)
    refused("PreconditionFailed", 412, s3.put_object, IfNoneMatch="*", Body=b"x", **key)
    refused("PreconditionFailed", 412, s3.put_object, IfMatch='"x"', Body=b"x", **key)
    s3.put_object(Key="new", IfNoneMatch="*", Body=b"x", **b)
    e = refused("NoSuchKey", 404, s3.put_object, Key="missing", IfMatch='"x"', Body=b"x", **b)
    e = refused("NoSuchKey", 404, s3.get_object, Key="missing", **b)
    assert e["Key"] == "missing" and e["Message"] == "The specified key does not exist.", e
    refused("404", 404, s3.head_object, Key="missing", **b)

    refused("BadDigest", 400, s3.put_object, Key="bad", Body=b"x", ContentMD5=base64.b64encode(hashlib.md5(b"y").digest()).decode(), **b)
    refused("InvalidDigest", 400, s3.put_object, Key="bad", Body=b"x", ContentMD5="x", **b)
    refused("BadDigest", 400, s3.put_object, Key="bad", Body=b"x", ChecksumSHA256=base64.b64encode(hashlib.sha256(b"y").digest()).decode(), **b)
    refused("InvalidRequest", 400, s3.put_object, Key="bad", Body=b"x", ChecksumSHA256="AA==", **b)
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        assert s3.put_object(Key="sum", Body=b"x", ChecksumAlgorithm=algorithm, **b)["Checksum" + algorithm]
    plain = client(request_checksum_calculation="when_required")
    assert plain.put_object(Key="sum", Body=b"123456789", **b)["ChecksumCRC64NVME"] == base64.b64encode(0xAE8B14860A799888.to_bytes(8, "big")).decode()
    refused("NotImplemented", 501, s3.put_object, Key="bad", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32, **b)
    refused("NotImplemented", 501, s3.put_object, Key="bad", Body=b"x", ObjectLockLegalHoldStatus="ON", **b)
    refused("InvalidStorageClass", 400, s3.put_object, Key="bad", Body=b"x", StorageClass="GLACIER", **b)
    refused("MetadataTooLarge", 400, s3.put_object, Key="bad", Body=b"x", Metadata={"a": "x" * 3000}, **b)
    refused("404", 404, s3.head_object, Key="bad", **b)

    assert s3.get_object_tagging(**key)["TagSet"] == [{"Key": "t", "Value": "1"}, {"Key": "u", "Value": "2"}]
    s3.put_object_tagging(Tagging={"TagSet": [{"Key": "v", "Value": "3"}]}, **key)
    assert s3.get_object_tagging(**key)["TagSet"] == [{"Key": "v", "Value": "3"}]
    s3.delete_object_tagging(**key)
    assert s3.get_object_tagging(**key)["TagSet"] == []
    attributes = s3.get_object_attributes(ObjectAttributes=["ETag", "ObjectSize", "StorageClass", "Checksum"], **key)
    assert attributes["ETag"] == put["ETag"].strip('"') and attributes["ObjectSize"] == 11 and attributes["Checksum"]["ChecksumCRC32"] == put["ChecksumCRC32"], attributes
    assert s3.get_object_acl(**key)["Grants"][0]["Permission"] == "FULL_CONTROL"

    copy = s3.copy_object(Key="copy", CopySource={"Bucket": "one", "Key": "dir/a b+ü.txt"}, **b)
    assert copy["CopyObjectResult"]["ETag"] == put["ETag"], copy
    assert s3.get_object(Key="copy", **b)["Metadata"] == {"key": "Value"}
    s3.copy_object(Key="copy", CopySource="one/copy", MetadataDirective="REPLACE", Metadata={"n": "1"}, ContentType="a/b", **b)
    got = s3.get_object(Key="copy", **b)
    assert got["Metadata"] == {"n": "1"} and got["ContentType"] == "a/b" and got["Body"].read() == body
    refused("InvalidRequest", 400, s3.copy_object, Key="copy", CopySource="one/copy", **b)
    refused("NoSuchKey", 404, s3.copy_object, Key="copy", CopySource="one/none", **b)
    refused("PreconditionFailed", 412, s3.copy_object, Key="copy2", CopySource="one/copy", CopySourceIfMatch='"x"', **b)

    refused("BucketNotEmpty", 409, s3.delete_bucket, **b)
    done = s3.delete_objects(Delete={"Objects": [{"Key": k} for k in ["copy", "new", "sum", "empty", "never"]]}, **b)
    assert len(done["Deleted"]) == 5 and "Errors" not in done, done
    s3.delete_object(**key)
    assert s3.list_objects_v2(**b)["KeyCount"] == 0


def lists():
    b = {"Bucket": "one"}
    keys = ["a", "b/1", "b/2", "b/c/3", "d e", "é", "z\u0007"]
    for k in keys:
        s3.put_object(Key=k, Body=k.encode(), **b)
    paginator = s3.get_paginator("list_objects_v2")
    for size in [1, 2, 3, 1000]:
        seen = [o["Key"] for page in paginator.paginate(PaginationConfig={"PageSize": size}, **b) for o in page.get("Contents", [])]
        assert seen == sorted(keys, key=str.encode), (size, seen)
        folders, files = [], []
        for page in paginator.paginate(Delimiter="/", PaginationConfig={"PageSize": size}, **b):
            files += [o["Key"] for o in page.get("Contents", [])]
            folders += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            assert page["KeyCount"] == len(page.get("Contents", [])) + len(page.get("CommonPrefixes", []))
        assert folders == ["b/"] and files == ["a", "d e", "z\u0007", "é"], (size, folders, files)
        old = [o["Key"] for page in s3.get_paginator("list_objects").paginate(PaginationConfig={"PageSize": size}, **b) for o in page.get("Contents", [])]
        assert old == seen, old
    one = s3.list_objects_v2(Prefix="b/", Delimiter="/", StartAfter="b/1", FetchOwner=True, **b)
    assert [o["Key"] for o in one["Contents"]] == ["b/2"] and one["CommonPrefixes"] == [{"Prefix": "b/c/"}] and one["Contents"][0]["Owner"]["ID"], one
    assert s3.list_objects_v2(MaxKeys=0, **b)["KeyCount"] == 0
    refused("InvalidArgument", 400, s3.list_objects_v2, ContinuationToken="x", **b)
    for k in keys:
        s3.delete_object(Key=k, **b)


def versions():
    b = {"Bucket": "one"}
    s3.put_object(Key="k", Body=b"null", **b)
    s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **b)
    assert s3.get_bucket_versioning(**b)["Status"] == "Enabled"
    assert s3.head_object(Key="k", **b)["VersionId"] == "null"
    one = s3.put_object(Key="k", Body=b"one", **b)["VersionId"]
    two = s3.put_object(Key="k", Body=b"two", **b)["VersionId"]
    assert one != two and s3.get_object(Key="k", **b)["Body"].read() == b"two"
    assert s3.get_object(Key="k", VersionId=one, **b)["Body"].read() == b"one"
    assert s3.get_object(Key="k", VersionId="null", **b)["Body"].read() == b"null"
    marker = s3.delete_object(Key="k", **b)
    assert marker["DeleteMarker"] is True
    e = refused("NoSuchKey", 404, s3.get_object, Key="k", **b)
    refused("MethodNotAllowed", 405, s3.get_object, Key="k", VersionId=marker["VersionId"], **b)
    refused("NoSuchVersion", 404, s3.get_object, Key="k", VersionId="x" * 32, **b)
    refused("InvalidArgument", 400, s3.get_object, Key="k", VersionId="short", **b)
    assert s3.list_objects_v2(**b)["KeyCount"] == 0
    for size in [1, 2, 1000]:
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(PaginationConfig={"PageSize": size}, **b):
            found += [v["VersionId"] for v in page.get("DeleteMarkers", [])] + [v["VersionId"] for v in page.get("Versions", [])]
        assert found == [marker["VersionId"], two, one, "null"], (size, found)
    latest = s3.list_object_versions(**b)["DeleteMarkers"][0]
    assert latest["IsLatest"] is True
    gone = s3.delete_object(Key="k", VersionId=marker["VersionId"], **b)
    assert gone["DeleteMarker"] is True and s3.get_object(Key="k", **b)["Body"].read() == b"two"
    refused("BucketNotEmpty", 409, s3.delete_bucket, **b)
    s3.put_bucket_versioning(VersioningConfiguration={"Status": "Suspended"}, **b)
    assert s3.put_object(Key="k", Body=b"again", **b)["VersionId"] == "null"
    assert [v["VersionId"] for v in s3.list_object_versions(**b)["Versions"]] == ["null", two, one]
    s3.copy_object(Key="restored", CopySource={"Bucket": "one", "Key": "k", "VersionId": one}, **b)
    assert s3.get_object(Key="restored", **b)["Body"].read() == b"one"
    everything = s3.list_object_versions(**b)
    s3.delete_objects(Delete={"Quiet": True, "Objects": [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in everything["Versions"]]}, **b)
    assert "Versions" not in s3.list_object_versions(**b)


def multipart():
    b = {"Bucket": "one"}
    part = b"0123456789abcdef" * (5 * 1024 * 1024 // 16)
    last = b"the end"
    upload = s3.create_multipart_upload(Key="big", ContentType="x/y", Metadata={"m": "1"}, ChecksumAlgorithm="CRC32", **b)
    key = dict(Key="big", UploadId=upload["UploadId"], **b)
    parts = []
    for n, data in [(1, part), (2, part), (3, last)]:
        got = s3.upload_part(PartNumber=n, Body=data, ChecksumAlgorithm="CRC32", **key)
        parts.append({"PartNumber": n, "ETag": got["ETag"], "ChecksumCRC32": got["ChecksumCRC32"]})
    assert [p["PartNumber"] for p in s3.list_parts(MaxParts=2, **key)["Parts"]] == [1, 2]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(**b)["Uploads"]] == [upload["UploadId"]]
    complete = lambda parts, **kw: s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **key, **kw)
    refused("InvalidPartOrder", 400, complete, parts=[parts[1], parts[0]])
    refused("InvalidPart", 400, complete, parts=[dict(parts[0], ETag='"x"')])
    refused("InvalidRequest", 400, complete, parts=[{k: p[k] for k in ("PartNumber", "ETag")} for p in parts])
    done = complete(parts)
    want = hashlib.md5(b"".join(hashlib.md5(d).digest() for d in (part, part, last))).hexdigest()
    assert done["ETag"] == '"%s-3"' % want and done["ChecksumCRC32"].endswith("-3") and done["ChecksumType"] == "COMPOSITE", done
    got = s3.get_object(Key="big", ChecksumMode="ENABLED", **b)
    assert got["Body"].read() == part + part + last and got["ContentType"] == "x/y" and got["Metadata"] == {"m": "1"}
    cross = s3.get_object(Key="big", Range="bytes=%d-%d" % (len(part) - 3, len(part) + 2), **b)
    assert cross["Body"].read() == part[-3:] + part[:3]
    third = s3.get_object(Key="big", PartNumber=3, **b)
    assert third["Body"].read() == last and third["PartsCount"] == 3
    refused("InvalidPartNumber", 416, s3.get_object, Key="big", PartNumber=4, **b)
    attributes = s3.get_object_attributes(Key="big", ObjectAttributes=["ObjectParts", "Checksum"], **b)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3 and attributes["ObjectParts"]["Parts"][2]["Size"] == len(last), attributes
    refused("NoSuchUpload", 404, complete, parts=parts)

    # A checksum of the whole object, from those of the parts.
    upload = s3.create_multipart_upload(Key="whole", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT", **b)
    key = dict(Key="whole", UploadId=upload["UploadId"], **b)
    parts = []
    for n, data in [(1, part), (2, last)]:
        got = s3.upload_part(PartNumber=n, Body=data, ChecksumAlgorithm="CRC32", **key)
        parts.append({"PartNumber": n, "ETag": got["ETag"], "ChecksumCRC32": got["ChecksumCRC32"]})
    want = base64.b64encode(zlib.crc32(part + last).to_bytes(4, "big")).decode()
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT", **key)
    assert done["ChecksumCRC32"] == want, (done, want)

    # Parts that are copies, and a part that is too small.
    upload = s3.create_multipart_upload(Key="copies", **b)
    key = dict(Key="copies", UploadId=upload["UploadId"], **b)
    a = s3.upload_part_copy(PartNumber=1, CopySource="one/big", CopySourceRange="bytes=0-9", **key)["CopyPartResult"]["ETag"]
    c = s3.upload_part_copy(PartNumber=2, CopySource="one/big", **key)["CopyPartResult"]["ETag"]
    refused("InvalidArgument", 400, s3.upload_part_copy, PartNumber=3, CopySource="one/big", CopySourceRange="bytes=0-99999999", **key)
    refused("InvalidArgument", 400, s3.upload_part_copy, PartNumber=3, CopySource="one/big", CopySourceRange="0-9", **key)
    refused("InvalidArgument", 400, s3.upload_part, PartNumber=10001, Body=b"x", **key)
    e = refused("EntityTooSmall", 400, complete, parts=[{"PartNumber": 1, "ETag": a}, {"PartNumber": 2, "ETag": c}])
    assert e["ProposedSize"] == "10" and e["MinSizeAllowed"] == "5242880", e
    c = s3.upload_part(PartNumber=1, Body=part, **key)["ETag"]  # sent again
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": c}]}, **key)
    assert s3.get_object(Key="copies", **b)["Body"].read() == part
    s3.copy_object(Key="flat", CopySource="one/big", **b)
    assert s3.head_object(Key="flat", **b)["ETag"] == '"%s"' % hashlib.md5(part + part + last).hexdigest()

    upload = s3.create_multipart_upload(Key="aborted", **b)
    key = dict(Key="aborted", UploadId=upload["UploadId"], **b)
    s3.upload_part(PartNumber=1, Body=b"x", **key)
    s3.abort_multipart_upload(**key)
    refused("NoSuchUpload", 404, s3.list_parts, **key)
    assert "Uploads" not in s3.list_multipart_uploads(**b)
    s3.upload_fileobj(io.BytesIO(part * 4), "one", "managed")
    target = io.BytesIO()
    s3.download_fileobj("one", "managed", target)
    assert target.getvalue() == part * 4
    for k in ["big", "whole", "copies", "flat", "managed"]:
        s3.delete_object(Key=k, **b)


def presigned():
    for signer in [client(), client(signature_version="s3v4")]:  # old and new signatures
        presigned_by(signer)


def presigned_by(signer):
    b = {"Bucket": "one"}
    url = signer.generate_presigned_url("put_object", Params={"Key": "p", **b})
    urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT", headers={"Content-Type": ""}))
    url = signer.generate_presigned_url("get_object", Params={"Key": "p", "ResponseContentType": "text/x", **b})
    answer = urllib.request.urlopen(url)
    assert answer.read() == b"by url" and answer.headers["Content-Type"] == "text/x"
    try:
        urllib.request.urlopen(url.replace("/p?", "/q?"))
        raise AssertionError("another key was served")
    except urllib.error.HTTPError as e:
        assert e.code == 403 and b"SignatureDoesNotMatch" in e.read()
    try:
        urllib.request.urlopen(URL + "/one/p")
        raise AssertionError("served without a signature")
    except urllib.error.HTTPError as e:
        assert e.code == 403 and b"<Code>AccessDenied</Code>" in e.read()
    s3.delete_object(Key="p", **b)


for walk in [buckets, settings, objects, lists, versions, multipart, presigned]:
    began = time.time()
    walk()
    print("%-10s %.2f s" % (walk.__name__, time.time() - began))
left = s3.list_object_versions(Bucket="one")
for v in left.get("Versions", []) + left.get("DeleteMarkers", []):
    s3.delete_object(Bucket="one", Key=v["Key"], VersionId=v["VersionId"])
s3.delete_bucket(Bucket="one")
print("all passed")
