// Package blob keeps bytes on disk, in two forms.
//
// A Store holds content-addressed blobs: image layers, configurations and
// manifests, under sha256/aa/<digest>. Data is hashed while it is received, and
// a blob appears under its name only once it is whole and synced, so whatever
// exists is complete and has the content that its name says. Files are never
// changed after that: they may be hard-linked.
//
// Objects holds opaque objects under ids that the caller chooses (the data of
// S3 objects and of multipart parts), always encrypted at rest with AES-256-GCM
// in chunks, so that any range can be read without reading what precedes it,
// and a changed, reordered or truncated file is an error and never wrong data.
//
// Both survive a crash at any point: leftovers are temporary files, removed by
// the next Open. One process at a time uses a folder.
//
// Data plane: it knows no AWS shapes. The registry and the S3 service use it.
package blob
