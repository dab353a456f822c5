// Package registry is a container registry: the OCI Distribution API, version
// 2, for pull and push, as Docker, containerd, skopeo and crane speak it.
//
// A Server is one registry. What repositories it has and which images are in
// them is its Backend's business, the bytes are in a blob.Store, and who may do
// what is asked of an Authorize hook for every request: the package knows no
// accounts and no policies. Bodies are hashed while they arrive and never held
// in memory; a manifest or layer that does not match its digest is not stored.
//
// A server may answer the request for a layer with a redirect to a signed link
// (Links), which is verified where it leads to, so that layers can travel
// another way than manifests, as they do on AWS (through S3).
//
// A Shelf is a ready-made Backend: images loaded from archives, which stand for
// what public registries would answer, with their anonymous tokens.
//
// Data plane: it knows no AWS shapes. Package ecr is the Backend of private
// registries; the edge of each VPC and the host's registry listeners serve them.
package registry
