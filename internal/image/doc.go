// Package image reads and makes container images as files.
//
// Open reads what tools write: OCI layouts (a directory, or a tar of one: skopeo,
// buildkit, podman) and Docker archives (docker save). All of them look alike
// afterwards: named images, each a descriptor of a manifest or index, and blobs
// by digest. Build makes an OCI layout from a description of files, without
// Docker and without the internet; tests and the demo image use it.
//
// Archives are not trusted: no name in them is ever used as a path on the host,
// documents are bounded, and every blob is checked against its digest while it
// is read. The package imports nothing of ours. Used by the CLI (image load),
// by the registry's tests and by the runtime's.
package image
