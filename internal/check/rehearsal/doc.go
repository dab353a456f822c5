// Package rehearsal is an instance of Neargate in memory: the services with
// their own validation, permission checks, addresses and names, but with no
// packets, no containers and nothing on the host.
//
// Package check makes in it what a template would make, resource by resource
// and through the same handlers that a stack uses, and then asks the product's
// own evaluators what would become of each task: the trust and the permissions
// of its roles (package access), the names that its VPC resolves (package dns)
// and the way of its packets (packages network and why). So a preflight and a
// deployment cannot be of two opinions.
//
// Files that services keep (blobs, log lines) go into a temporary directory,
// which Close removes.
package rehearsal
