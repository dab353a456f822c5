package ec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// The numbers of a default ACL's own entries, and of those that deny what no
// other allows. IPv6 has the next number each.
const (
	firstRule = 100
	lastRule  = network.LastEntry
)

// The protocols of entries that have ports or types; ACLs know them by number.
const (
	aclTCP    = "6"
	aclUDP    = "17"
	aclICMP4  = "1"
	aclICMPv6 = "58"
)

// aclRules are an ACL's entries, those that a default ACL comes with included.
func aclRules(a *state.NetworkAcl) []state.NetworkAclEntry {
	if a.Custom || a.Entries != nil {
		return a.Entries
	}
	all := []state.NetworkAclEntry{}
	for _, egress := range []bool{true, false} {
		all = append(all, state.NetworkAclEntry{Number: firstRule, Egress: egress, Allow: true, Protocol: allProtocols, FromPort: -1, ToPort: -1, CIDRIPv4: "0.0.0.0/0"})
		if a.IPv6 {
			all = append(all, state.NetworkAclEntry{Number: firstRule + 1, Egress: egress, Allow: true, Protocol: allProtocols, FromPort: -1, ToPort: -1, CIDRIPv6: "::/0"})
		}
	}
	return all
}

// entriesOut lists an ACL's entries as AWS does: outbound ones first, by number.
func (q *scope) entriesOut(a *state.NetworkAcl) []ec2api.NetworkAclEntry {
	all := slices.Clone(aclRules(a))
	for _, egress := range []bool{true, false} {
		all = append(all, state.NetworkAclEntry{Number: lastRule, Egress: egress, Protocol: allProtocols, CIDRIPv4: "0.0.0.0/0"})
		if vpc, ok := state.Vpcs.Get(q.tx, q.key(a.VpcID)); ok && len(vpc.IPv6CIDRs) > 0 {
			all = append(all, state.NetworkAclEntry{Number: lastRule + 1, Egress: egress, Protocol: allProtocols, CIDRIPv6: "::/0"})
		}
	}
	slices.SortFunc(all, func(a, b state.NetworkAclEntry) int {
		if a.Egress != b.Egress {
			return map[bool]int{true: -1, false: 1}[a.Egress]
		}
		return cmp.Compare(a.Number, b.Number)
	})
	return each(all, entryOut)
}

func entryOut(e state.NetworkAclEntry) ec2api.NetworkAclEntry {
	out := ec2api.NetworkAclEntry{RuleNumber: &e.Number, Egress: &e.Egress, Protocol: e.Protocol, CidrBlock: e.CIDRIPv4, Ipv6CidrBlock: e.CIDRIPv6, RuleAction: "deny"}
	if e.Allow {
		out.RuleAction = "allow"
	}
	switch e.Protocol {
	case aclTCP, aclUDP:
		out.PortRange = &ec2api.PortRange{From: &e.FromPort, To: &e.ToPort}
	case aclICMP4, aclICMPv6:
		out.IcmpTypeCode = &ec2api.IcmpTypeCode{Type: &e.FromPort, Code: &e.ToPort}
	}
	return out
}

// CreateNetworkAclEntry adds an entry.
func (s *Service) CreateNetworkAclEntry(ctx context.Context, in *ec2api.CreateNetworkAclEntryRequest) error {
	entry, err := parseEntry(ec2api.ReplaceNetworkAclEntryRequest(*in))
	if err != nil {
		return err
	}
	return s.changeEntries(ctx, in.DryRun, in.NetworkAclId, func(entries []state.NetworkAclEntry) ([]state.NetworkAclEntry, error) {
		if slices.ContainsFunc(entries, sameEntry(entry.Number, entry.Egress)) {
			return nil, errorf("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", entry.Number)
		}
		entries = append(entries, entry)
		return entries, checkEntryQuota(entries, entry)
	})
}

// ReplaceNetworkAclEntry changes an entry.
func (s *Service) ReplaceNetworkAclEntry(ctx context.Context, in *ec2api.ReplaceNetworkAclEntryRequest) error {
	entry, err := parseEntry(*in)
	if err != nil {
		return err
	}
	return s.changeEntries(ctx, in.DryRun, in.NetworkAclId, func(entries []state.NetworkAclEntry) ([]state.NetworkAclEntry, error) {
		i := slices.IndexFunc(entries, sameEntry(entry.Number, entry.Egress))
		if i < 0 {
			return nil, errNoEntry(entry.Number, entry.Egress)
		}
		entries[i] = entry
		return entries, nil
	})
}

// DeleteNetworkAclEntry takes an entry away.
func (s *Service) DeleteNetworkAclEntry(ctx context.Context, in *ec2api.DeleteNetworkAclEntryRequest) error {
	number, egress := in.RuleNumber, in.Egress
	return s.changeEntries(ctx, in.DryRun, in.NetworkAclId, func(entries []state.NetworkAclEntry) ([]state.NetworkAclEntry, error) {
		i := slices.IndexFunc(entries, sameEntry(number, egress))
		if i < 0 {
			return nil, errNoEntry(number, egress)
		}
		return slices.Delete(entries, i, i+1), nil
	})
}

func (s *Service) changeEntries(ctx context.Context, dryRun *bool, id string, change func([]state.NetworkAclEntry) ([]state.NetworkAclEntry, error)) error {
	return s.write(ctx, dryRun, func(q *scope) error {
		acl, err := get(q, state.NetworkAcls, kindNetworkACL, id)
		if err != nil {
			return err
		}
		entries, err := change(append([]state.NetworkAclEntry{}, aclRules(acl)...))
		if err != nil {
			return err
		}
		state.NetworkAcls.Update(q.tx, acl.Key(), func(a *state.NetworkAcl) { a.Entries = entries })
		q.touch(acl.VpcID)
		return nil
	})
}

func sameEntry(number int32, egress bool) func(state.NetworkAclEntry) bool {
	return func(e state.NetworkAclEntry) bool { return e.Number == number && e.Egress == egress }
}

func errNoEntry(number int32, egress bool) error {
	way := map[bool]string{true: "egress", false: "ingress"}[egress]
	return errorf("InvalidNetworkAclEntry.NotFound", "no %s entry with number %d", way, number)
}

// checkEntryQuota counts as AWS does: each direction, IPv4 and IPv6 apart.
func checkEntryQuota(entries []state.NetworkAclEntry, added state.NetworkAclEntry) error {
	n := 0
	for _, e := range entries {
		if e.Egress == added.Egress && (e.CIDRIPv6 == "") == (added.CIDRIPv6 == "") {
			n++
		}
	}
	return quotaNetworkACLEntries.allows(n)
}

// parseEntry checks the entry that a request describes.
func parseEntry(in ec2api.ReplaceNetworkAclEntryRequest) (state.NetworkAclEntry, error) {
	e := state.NetworkAclEntry{Number: in.RuleNumber, Egress: in.Egress, Allow: in.RuleAction == "allow", FromPort: -1, ToPort: -1}
	if e.Number < 1 || e.Number >= lastRule {
		return e, errParameter(e.Number, "ruleNumber", "Rule numbers are from 1 to 32766.")
	}
	var err error
	switch {
	case in.CidrBlock != "" && in.Ipv6CidrBlock != "":
		return e, errorf("InvalidParameterCombination", "Only one of cidrBlock and ipv6CidrBlock may be specified.")
	case in.CidrBlock != "":
		e.CIDRIPv4, err = aclCIDR(in.CidrBlock, "cidrBlock", true)
	case in.Ipv6CidrBlock != "":
		e.CIDRIPv6, err = aclCIDR(in.Ipv6CidrBlock, "ipv6CidrBlock", false)
	default:
		err = errorf("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
	}
	if err != nil {
		return e, err
	}
	if e.Protocol, err = parseProtocol(in.Protocol); err != nil {
		return e, err
	}
	for number, name := range protocolNames {
		if name == e.Protocol && number != "all" {
			e.Protocol = number
		}
	}
	e.FromPort, e.ToPort, err = entryPorts(e.Protocol, in.PortRange, in.IcmpTypeCode)
	return e, err
}

func aclCIDR(text, parameter string, v4 bool) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4() != v4 {
		return "", errParameter(text, parameter, "This is not a valid CIDR block.")
	}
	return p.Masked().String(), nil
}

// entryPorts are the ports, or type and code, of an entry for a protocol.
func entryPorts(protocol string, ports *ec2api.PortRange, kind *ec2api.IcmpTypeCode) (int32, int32, error) {
	switch protocol {
	case aclTCP, aclUDP:
		if ports == nil {
			return 0, 0, errMissing("portRange")
		}
		return parsePortRange(ports.From, ports.To)
	case aclICMP4, aclICMPv6:
		if kind == nil {
			return 0, 0, errMissing("icmpTypeCode")
		}
		return icmpRange(wire.Or(kind.Type, -1), wire.Or(kind.Code, -1))
	}
	return -1, -1, nil // ports are ignored: all of them
}
