// Package ecr is Amazon Elastic Container Registry: private registries, one for
// each account and region, as an AWS API and as registries that Docker, skopeo
// and the container runtime push to and pull from.
//
// Records are in state (Repositories, Images, Layers), bytes in the blob store.
// GetAuthorizationToken seals the caller's identity into a token; a registry
// request opens it and is checked like any other request of that principal,
// action by action, on the repository's ARN. A client inside a VPC is sent to
// S3 for layers, as on AWS, so that its pulls need a path to S3; the link
// carries a signature of ours.
//
// Not carried out, and refused by name: scanning, customer-managed KMS keys,
// replication, pull-through caches, deleting over the registry protocol.
package ecr
