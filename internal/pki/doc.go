// Package pki is Neargate's local certificate authority, and what makes other
// programs trust it.
//
// An Authority is created once per data directory. It issues server
// certificates on demand, by the name that a TLS client asks for, for names
// that its user allows: AWS's endpoints, registries, load balancers. Leaf
// certificates live in memory only, are short-lived and renewed before they
// end. It also signs keys that others keep, for the certificates of ACM. The
// authority's key never leaves <dir>/ca.key (mode 0600).
//
// Trust is planned before it is acted out: PlanTrust is a pure list of changes
// to the host (trust anchors, the registries' certs.d folders, the command that
// rebuilds the system's bundle) that the command line prints first. What was
// made is written to a journal before it is made, so that Undo also works
// after a crash.
//
// Data plane: it knows no AWS shapes. The gateway, the edge of each VPC and
// the command line use it.
package pki
