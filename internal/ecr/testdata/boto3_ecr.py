"""Walks through Amazon ECR as boto3 sees it. Prints "all passed" at the end."""
import base64, hashlib, json
import boto3
from botocore.exceptions import ClientError

ecr = boto3.client("ecr")


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError("%s was not refused" % call)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def upload(data, part=7):
    up = ecr.initiate_layer_upload(repositoryName="app")
    assert up["partSize"] > 0
    for first in range(0, len(data), part):
        piece = data[first:first + part]
        got = ecr.upload_layer_part(repositoryName="app", uploadId=up["uploadId"], partFirstByte=first, partLastByte=first + len(piece) - 1, layerPartBlob=piece)
        assert got["lastByteReceived"] == first + len(piece) - 1
    return ecr.complete_layer_upload(repositoryName="app", uploadId=up["uploadId"], layerDigests=[digest(data)])["layerDigest"]


made = ecr.create_repository(repositoryName="app", tags=[{"Key": "a", "Value": ""}])["repository"]
assert made["repositoryArn"] == "arn:aws:ecr:eu-west-1:000000000000:repository/app" and made["createdAt"].year > 2020, made
assert made["encryptionConfiguration"] == {"encryptionType": "AES256"} and made["imageScanningConfiguration"] == {"scanOnPush": False}
refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="app")
refused("InvalidParameterException", ecr.create_repository, repositoryName="UPPER")
refused("InvalidParameterException", ecr.create_repository, repositoryName="scanned", imageScanningConfiguration={"scanOnPush": True})
assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "a", "Value": ""}]
assert [r["repositoryName"] for p in ecr.get_paginator("describe_repositories").paginate() for r in p["repositories"]] == ["app"]
message = refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["none"])
assert message == "The repository with name 'none' does not exist in the registry with id '000000000000'", message
assert ecr.describe_registry()["registryId"] == "000000000000"

config, layer = upload(b"{}"), upload(b"the content of a layer")
refused("LayerAlreadyExistsException", upload, data=b"{}")
have = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[layer, digest(b"other")])["layers"]
assert [l["layerAvailability"] for l in have] == ["AVAILABLE", "UNAVAILABLE"] and have[0]["layerSize"] == 22, have
manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                       "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
                       "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 22}]})
image = ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="v1")["image"]
assert image["imageId"] == {"imageDigest": digest(manifest.encode()), "imageTag": "v1"}, image
refused("ImageAlreadyExistsException", ecr.put_image, repositoryName="app", imageManifest=manifest, imageTag="v1")
refused("LayersNotFoundException", ecr.put_image, repositoryName="app", imageManifest=manifest.replace(layer, digest(b"other")))
refused("InvalidParameterException", ecr.put_image, repositoryName="app", imageManifest="{")
got = ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}])
assert got["images"][0]["imageManifest"] == manifest and got["failures"][0]["failureCode"] == "ImageNotFound", got
detail = ecr.describe_images(repositoryName="app")["imageDetails"][0]
assert detail["imageSizeInBytes"] == 24 and detail["imageTags"] == ["v1"] and detail["imageStatus"] == "ACTIVE" and detail["imagePushedAt"], detail
url = ecr.get_download_url_for_layer(repositoryName="app", layerDigest=layer)["downloadUrl"]
assert url.startswith("https://000000000000.dkr.ecr.eu-west-1.amazonaws.com/layers/"), url
assert ecr.list_images(repositoryName="app")["imageIds"] == [image["imageId"]]

ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="IMMUTABLE")
other = manifest + " "
message = refused("ImageTagAlreadyExistsException", ecr.put_image, repositoryName="app", imageManifest=other, imageTag="v1")
assert message == "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the tag is immutable.", message

refused("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, repositoryName="app")
policy = json.dumps({"rules": [{"rulePriority": 1, "description": "keep one", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]})
ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=policy)
ecr.put_image(repositoryName="app", imageManifest=other, imageTag="v2")
assert [i["imageTag"] for i in ecr.list_images(repositoryName="app")["imageIds"]] == ["v2"]
assert ecr.delete_lifecycle_policy(repositoryName="app")["lifecyclePolicyText"] == policy

token = ecr.get_authorization_token()["authorizationData"][0]
assert token["proxyEndpoint"] == "https://000000000000.dkr.ecr.eu-west-1.amazonaws.com"
assert base64.b64decode(token["authorizationToken"]).startswith(b"AWS:")
refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="app")
assert ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v2"}])["imageIds"][0]["imageTag"] == "v2"
ecr.delete_repository(repositoryName="app")
print("all passed")
