// Package unused finds what is paid for or allowed and was never used: endpoints
// and NAT gateways that carried nothing, security group rules that never let a
// connection pass, roles nobody used, permissions that a role never needed, and
// secrets that nobody read.
//
// It tells from counters only, never from configuration: the [Collector] adds up
// those of the packet filter and of the edge, which start at zero with every
// start of Neargate, into records that outlive it; access counts actions, Secrets
// Manager notes when a secret was read. "Never" therefore means: not since it was
// made here.
package unused
