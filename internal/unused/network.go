package unused

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// endpoints are those through which no connection came.
func (s *search) endpoints() {
	for e := range state.VpcEndpoints.All(s.tx, s.prefix()) {
		if s.used(e.ID) || e.State != "available" {
			continue
		}
		service := strings.TrimPrefix(e.ServiceName, "com.amazonaws."+e.Region+".")
		s.add(Finding{Kind: Endpoint, ID: e.ID, Name: service, What: fmt.Sprintf("no connection went through the %s endpoint", strings.ToLower(e.Type)), Since: e.CreatedAt},
			e.ID, "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids "+e.ID)
	}
}

// nats are those that translated no connection.
func (s *search) nats() {
	for n := range state.NatGateways.All(s.tx, s.prefix()) {
		if s.used(n.ID) || n.State != "available" {
			continue
		}
		s.add(Finding{Kind: NAT, ID: n.ID, What: "no connection went through it", Since: n.CreatedAt}, n.ID, "aws ec2 delete-nat-gateway --nat-gateway-id "+n.ID)
	}
}

// rules are those of groups in use that let no connection pass.
func (s *search) rules() {
	for g := range state.SecurityGroups.All(s.tx, s.prefix()) {
		carried := false
		for range state.NetworkInterfaces.By(s.tx, "group", g.Key()) {
			carried = true
			break
		}
		if !carried {
			continue // its rules judge nothing
		}
		for _, r := range g.Rules {
			if s.used(r.ID) {
				continue
			}
			way, command := "inbound", "ingress"
			if r.Egress {
				way, command = "outbound", "egress"
			}
			resource := r.ID
			if s.resource(r.ID) == nil {
				resource = g.ID
			}
			s.add(Finding{Kind: Rule, ID: r.ID, Name: way + " " + s.words(r), What: "no connection matched this rule of " + s.groupName(g)},
				resource, fmt.Sprintf("aws ec2 revoke-security-group-%s --group-id %s --security-group-rule-ids %s", command, g.ID, r.ID))
		}
	}
}

// words is a rule in words: "tcp 443 from EndpointGroup".
func (s *search) words(r state.SecurityGroupRule) string {
	what := r.Protocol
	switch {
	case r.Protocol == "-1":
		what = "everything"
	case (r.Protocol == "tcp" || r.Protocol == "udp") && r.FromPort == r.ToPort:
		what += fmt.Sprintf(" %d", r.FromPort)
	case r.Protocol == "tcp" || r.Protocol == "udp":
		what += fmt.Sprintf(" %d-%d", r.FromPort, r.ToPort)
	}
	peer := cmp.Or(r.CIDRIPv4, r.CIDRIPv6, r.PrefixListID, r.ReferencedGroupID)
	if g, ok := state.SecurityGroups.Get(s.tx, s.key(r.ReferencedGroupID)); ok {
		peer = s.groupName(g)
	}
	if r.Egress {
		return what + " to " + peer
	}
	return what + " from " + peer
}

func (s *search) groupName(g *state.SecurityGroup) string {
	if r := s.resource(g.ID); r != nil {
		return r.LogicalID
	}
	return g.Name
}
