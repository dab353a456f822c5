// Package dns is the Amazon-provided resolver of a VPC: what answers at base+2
// and at 169.254.169.253.
//
// A Zone is what one VPC's resolver knows, as a value; its Lookup is pure. It
// answers the private names of interface endpoints with the addresses of their
// interfaces, the internal names of instances in both directions, and AWS's
// public names with stable public addresses (PublicAddr). Whether a client's
// routes lead to those addresses is not for the resolver to say: as on AWS,
// names resolve in isolated VPCs too. All other names are forwarded to the
// resolvers of the host, or refused when that is switched off.
//
// A Server answers on sockets that its owner opened in the VPC, and keeps the
// last questions of each client for diagnosis. Data plane: plain values only.
// The edge of each VPC runs it.
package dns
