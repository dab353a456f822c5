package ec2

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// allProtocols is the protocol of a rule for everything.
const allProtocols = "-1"

// protocolNames are the protocols that AWS calls by name.
var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": allProtocols}

// parseProtocol makes a protocol canonical: AWS answers with names for those
// that have ports or types, and with numbers for others.
func parseProtocol(text string) (string, error) {
	text = strings.ToLower(text)
	if name, ok := protocolNames[text]; ok {
		return name, nil
	}
	switch text {
	case "tcp", "udp", "icmp", "icmpv6", allProtocols:
		return text, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < -1 || n > 255 {
		return "", errorf("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", text)
	}
	return strconv.Itoa(n), nil
}

// parsePorts returns what a rule of the protocol holds for the given ports.
func parsePorts(protocol string, from, to *int32) (int32, int32, error) {
	switch protocol {
	case "tcp", "udp":
		return parsePortRange(from, to)
	case "icmp", "icmpv6":
		if from == nil && to == nil && protocol == "icmpv6" {
			return -1, -1, nil
		}
		if from == nil {
			return 0, 0, errorf("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with ICMP.' for portRange.")
		}
		return icmpRange(*from, wire.Or(to, -1))
	}
	return -1, -1, nil // ports are ignored: all of them
}

func parsePortRange(from, to *int32) (int32, int32, error) {
	if from == nil || to == nil {
		return 0, 0, errorf("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
	}
	if *from == -1 && *to == -1 {
		return 0, 65535, nil
	}
	for _, port := range []int32{*from, *to} {
		if port < 0 || port > 65535 {
			return 0, 0, errorf("InvalidParameterValue", "Invalid value '%d' for portRange. Ports must be between 0 and 65535.", port)
		}
	}
	if *from > *to {
		return 0, 0, errorf("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", *from, *to)
	}
	return *from, *to, nil
}

func icmpRange(kind, code int32) (int32, int32, error) {
	if kind < -1 || kind > 255 || code < -1 || code > 255 || kind == -1 && code != -1 {
		return 0, 0, errorf("InvalidParameterValue", "ICMP code (%d) and type (%d) are not valid.", code, kind)
	}
	return kind, code, nil
}

func checkRuleDescription(text string) error {
	if len(text) > 255 || !groupText.MatchString(text) {
		return errorf("InvalidParameterValue", "Invalid rule description. "+groupTextRule, "descriptions")
	}
	return nil
}

// parseRules turns the permissions of a request into one rule per peer.
func (q *scope) parseRules(g *state.SecurityGroup, egress bool, permissions []ec2api.IpPermission) ([]state.SecurityGroupRule, error) {
	var rules []state.SecurityGroupRule
	for _, p := range permissions {
		if p.IpProtocol == "" {
			return nil, errMissing("ipProtocol")
		}
		protocol, err := parseProtocol(p.IpProtocol)
		if err != nil {
			return nil, err
		}
		from, to, err := parsePorts(protocol, p.FromPort, p.ToPort)
		if err != nil {
			return nil, err
		}
		peers, err := q.parsePeers(g, p)
		if err != nil {
			return nil, err
		}
		for _, r := range peers {
			r.Egress, r.Protocol, r.FromPort, r.ToPort = egress, protocol, from, to
			if err := checkRuleDescription(r.Description); err != nil {
				return nil, err
			}
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil, errorf("MissingParameter", "The request must contain the parameter ipPermissions")
	}
	return rules, nil
}

// parsePeers returns rules that have only their peer and description yet.
func (q *scope) parsePeers(g *state.SecurityGroup, p ec2api.IpPermission) ([]state.SecurityGroupRule, error) {
	var rules []state.SecurityGroupRule
	for _, r := range p.IpRanges {
		cidr, err := ruleCIDR(r.CidrIp, true)
		if err != nil {
			return nil, err
		}
		rules = append(rules, state.SecurityGroupRule{CIDRIPv4: cidr, Description: r.Description})
	}
	for _, r := range p.Ipv6Ranges {
		cidr, err := ruleCIDR(r.CidrIpv6, false)
		if err != nil {
			return nil, err
		}
		rules = append(rules, state.SecurityGroupRule{CIDRIPv6: cidr, Description: r.Description})
	}
	for _, r := range p.PrefixListIds {
		if _, err := q.prefixList(r.PrefixListId); err != nil {
			return nil, err
		}
		rules = append(rules, state.SecurityGroupRule{PrefixListID: r.PrefixListId, Description: r.Description})
	}
	for _, r := range p.UserIdGroupPairs {
		rule, err := q.referencedGroup(g, r)
		if err != nil {
			return nil, err
		}
		rule.Description = r.Description
		rules = append(rules, rule)
	}
	return rules, nil
}

// ruleCIDR makes the range of a rule canonical, as AWS answers it.
func ruleCIDR(text string, v4 bool) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4() != v4 {
		return "", errorf("InvalidParameterValue", "CIDR block %s is malformed", text)
	}
	return p.Masked().String(), nil
}

// same reports whether two rules allow the same; descriptions and tags do not count.
func same(a, b state.SecurityGroupRule) bool {
	return a.Egress == b.Egress && a.Protocol == b.Protocol && a.FromPort == b.FromPort && a.ToPort == b.ToPort && peer(a) == peer(b)
}

// peer is the other end of a rule.
func peer(r state.SecurityGroupRule) string {
	return cmp.Or(r.CIDRIPv4, r.CIDRIPv6, r.PrefixListID, r.ReferencedGroupID)
}

// ruleText is how AWS tells a rule in InvalidPermission.Duplicate.
func ruleText(r state.SecurityGroupRule) string {
	protocol := strings.ToUpper(r.Protocol)
	switch r.Protocol {
	case allProtocols:
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer(r))
	case "icmp", "icmpv6":
		return fmt.Sprintf("peer: %s, %s, type: %d, code: %d, ALLOW", peer(r), protocol, r.FromPort, r.ToPort)
	case "tcp", "udp":
		return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer(r), protocol, r.FromPort, r.ToPort)
	}
	return fmt.Sprintf("peer: %s, protocol: %s, ALLOW", peer(r), r.Protocol)
}

// permissionsOut gathers the rules of one direction by protocol and ports.
func (q *scope) permissionsOut(g *state.SecurityGroup, egress bool) []ec2api.IpPermission {
	out := []ec2api.IpPermission{}
	for _, r := range g.Rules {
		if r.Egress != egress {
			continue
		}
		i := slices.IndexFunc(out, func(p ec2api.IpPermission) bool {
			return p.IpProtocol == r.Protocol && portsEqual(p, r)
		})
		if i < 0 {
			out = append(out, ec2api.IpPermission{
				IpProtocol: r.Protocol, UserIdGroupPairs: []ec2api.UserIdGroupPair{}, IpRanges: []ec2api.IpRange{},
				Ipv6Ranges: []ec2api.Ipv6Range{}, PrefixListIds: []ec2api.PrefixListId{},
			})
			i = len(out) - 1
			if hasPorts(r.Protocol) {
				out[i].FromPort, out[i].ToPort = &r.FromPort, &r.ToPort
			}
		}
		q.addPeer(&out[i], g, r)
	}
	return out
}

func (q *scope) addPeer(p *ec2api.IpPermission, g *state.SecurityGroup, r state.SecurityGroupRule) {
	switch {
	case r.CIDRIPv4 != "":
		p.IpRanges = append(p.IpRanges, ec2api.IpRange{CidrIp: r.CIDRIPv4, Description: r.Description})
	case r.CIDRIPv6 != "":
		p.Ipv6Ranges = append(p.Ipv6Ranges, ec2api.Ipv6Range{CidrIpv6: r.CIDRIPv6, Description: r.Description})
	case r.PrefixListID != "":
		p.PrefixListIds = append(p.PrefixListIds, ec2api.PrefixListId{PrefixListId: r.PrefixListID, Description: r.Description})
	default:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, q.pairOut(g, r))
	}
}

// hasPorts reports whether the protocol's permissions are answered with ports.
func hasPorts(protocol string) bool {
	return protocol == "tcp" || protocol == "udp" || protocol == "icmp" || protocol == "icmpv6"
}

func portsEqual(p ec2api.IpPermission, r state.SecurityGroupRule) bool {
	return !hasPorts(r.Protocol) || *p.FromPort == r.FromPort && *p.ToPort == r.ToPort
}

func portText(r state.SecurityGroupRule, port int32) string {
	if !hasPorts(r.Protocol) {
		return ""
	}
	return strconv.Itoa(int(port))
}

// withIDs gives new rules their ids and tags.
func withIDs(rules []state.SecurityGroupRule, tags []state.Tag) []state.SecurityGroupRule {
	for i := range rules {
		rules[i].ID, rules[i].Tags = ids.New("sgr"), clone(tags)
	}
	return rules
}
