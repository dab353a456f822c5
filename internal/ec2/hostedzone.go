package ec2

import (
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// hostedZones are the zones of Route 53 that a VPC's resolver answers for: its
// private ones, when both DNS attributes of the VPC are on, and all public ones.
func hostedZones(tx *store.Tx, vpc *state.Vpc) []dns.HostedZone {
	var all []dns.HostedZone
	if vpc.EnableDNSSupport && vpc.EnableDNSHostnames {
		all = hosted.Private(tx, vpc.ID)
	}
	return append(all, hosted.Public(tx)...)
}
