package ec2

import (
	"context"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var insightsPathResource = resource[state.NetworkInsightsPath]{
	table: state.NetworkInsightsPaths, kind: kindInsightsPath, least: 1,
	id:   func(p *state.NetworkInsightsPath) string { return p.ID },
	tags: func(p *state.NetworkInsightsPath) []state.Tag { return p.Tags },
	fields: fields[state.NetworkInsightsPath]{
		"source":                                       func(_ *scope, p *state.NetworkInsightsPath) []string { return one(p.Source) },
		"destination":                                  func(_ *scope, p *state.NetworkInsightsPath) []string { return one(p.Destination) },
		"protocol":                                     func(_ *scope, p *state.NetworkInsightsPath) []string { return one(p.Protocol) },
		"filter-at-source.source-address":              atSource(func(f *state.PacketFilter) string { return f.SourceAddress }),
		"filter-at-source.destination-address":         atSource(func(f *state.PacketFilter) string { return f.DestinationAddress }),
		"filter-at-source.destination-port-range":      atSource(func(f *state.PacketFilter) string { return portsText(f.DestinationPorts) }),
		"filter-at-destination.destination-port-range": atDestination(func(f *state.PacketFilter) string { return portsText(f.DestinationPorts) }),
		// The following are refused when a path is made.
		"filter-at-source.source-port-range":        func(*scope, *state.NetworkInsightsPath) []string { return nil },
		"filter-at-destination.source-port-range":   func(*scope, *state.NetworkInsightsPath) []string { return nil },
		"filter-at-destination.source-address":      func(*scope, *state.NetworkInsightsPath) []string { return nil },
		"filter-at-destination.destination-address": func(*scope, *state.NetworkInsightsPath) []string { return nil },
	},
}

func atSource(value func(*state.PacketFilter) string) func(*scope, *state.NetworkInsightsPath) []string {
	return func(_ *scope, p *state.NetworkInsightsPath) []string { return filterValue(p.AtSource, value) }
}

func atDestination(value func(*state.PacketFilter) string) func(*scope, *state.NetworkInsightsPath) []string {
	return func(_ *scope, p *state.NetworkInsightsPath) []string { return filterValue(p.AtDestination, value) }
}

func filterValue(f *state.PacketFilter, value func(*state.PacketFilter) string) []string {
	if f == nil {
		return nil
	}
	return one(value(f))
}

func portsText(p *state.PortRange) string {
	switch {
	case p == nil:
		return ""
	case p.From == p.To:
		return itoa(int(p.From))
	}
	return itoa(int(p.From)) + "-" + itoa(int(p.To))
}

// CreateNetworkInsightsPath makes a question to Reachability Analyzer. Sources
// are network interfaces, internet gateways and interface endpoints; so are
// destinations, and gateway endpoints and addresses too.
func (s *Service) CreateNetworkInsightsPath(ctx context.Context, in *ec2api.CreateNetworkInsightsPathRequest) (*ec2api.CreateNetworkInsightsPathResult, error) {
	if err := checkInsightsPath(in); err != nil {
		return nil, err
	}
	var out ec2api.CreateNetworkInsightsPathResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		for p := range state.NetworkInsightsPaths.All(q.tx, q.prefix()) {
			if p.ClientToken == in.ClientToken {
				out.NetworkInsightsPath = insightsPathOut(p)
				return nil
			}
		}
		if err := oneMore(quotaInsightsPaths, state.NetworkInsightsPaths.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "network-insights-path")
		if err != nil {
			return err
		}
		path := &state.NetworkInsightsPath{
			Account: q.account, Region: q.region, ID: ids.New("nip"), Source: bareID(in.Source), Destination: bareID(in.Destination),
			Protocol: string(in.Protocol), SourceIP: in.SourceIp, DestinationIP: in.DestinationIp, DestinationPort: in.DestinationPort,
			AtSource: packetFilter(in.FilterAtSource), AtDestination: packetFilter(in.FilterAtDestination),
			ClientToken: in.ClientToken, CreatedAt: q.now, Tags: tags,
		}
		if _, _, ok := q.insightsEnd(path.Source, true); !ok {
			return errorf("NetworkInsightsSource.NotFound", "The network insights source '%s' does not exist", in.Source)
		}
		if _, _, ok := q.insightsEnd(path.Destination, false); !ok && path.Destination != "" {
			return errorf("NetworkInsightsDestination.NotFound", "The network insights destination '%s' does not exist", in.Destination)
		}
		state.NetworkInsightsPaths.Put(q.tx, path)
		out.NetworkInsightsPath = insightsPathOut(path)
		return nil
	})
	return &out, err
}

// checkInsightsPath checks what a path says of its ends and packets.
func checkInsightsPath(in *ec2api.CreateNetworkInsightsPathRequest) error {
	if !insightsKind(bareID(in.Source), "eni", "igw", "vpce") {
		return errUnsupported("The source " + in.Source)
	}
	if in.Destination != "" && !insightsKind(bareID(in.Destination), "eni", "igw", "vpce") {
		return errUnsupported("The destination " + in.Destination)
	}
	addresses := map[string]string{"sourceIp": in.SourceIp, "destinationIp": in.DestinationIp}
	for name, f := range map[string]*ec2api.PathRequestFilter{"filterAtSource": in.FilterAtSource, "filterAtDestination": in.FilterAtDestination} {
		if f == nil {
			continue
		}
		addresses[name+".sourceAddress"], addresses[name+".destinationAddress"] = f.SourceAddress, f.DestinationAddress
		if f.SourcePortRange != nil {
			return errUnsupported("The parameter " + name + ".SourcePortRange")
		}
		if r := f.DestinationPortRange; r != nil && (r.FromPort == nil || r.ToPort == nil || *r.FromPort > *r.ToPort) {
			return errorf("InvalidParameterValue", "The port range of %s is invalid", name)
		}
	}
	if f := in.FilterAtDestination; f != nil && (f.SourceAddress != "" || f.DestinationAddress != "") {
		return errUnsupported("An address in FilterAtDestination")
	}
	for name, a := range addresses {
		if _, err := netip.ParseAddr(a); a != "" && err != nil {
			return errParameter(a, name, "It is not an IPv4 address.")
		}
	}
	switch {
	case in.FilterAtSource != nil && (in.SourceIp != "" || in.DestinationPort != nil):
		return errorf("InvalidParameterCombination", "The parameter FilterAtSource cannot be used with the parameters SourceIp and DestinationPort")
	case in.FilterAtDestination != nil && in.DestinationIp != "":
		return errorf("InvalidParameterCombination", "The parameter FilterAtDestination cannot be used with the parameter DestinationIp")
	case in.Destination == "" && in.DestinationIp == "" && (in.FilterAtSource == nil || in.FilterAtSource.DestinationAddress == ""):
		return errMissing("Destination")
	}
	return nil
}

func insightsKind(id string, prefixes ...string) bool {
	prefix, _, ok := strings.Cut(id, "-")
	for _, p := range prefixes {
		if ok && p == prefix {
			return true
		}
	}
	return false
}

// bareID is the id in an ARN, or the id itself.
func bareID(idOrARN string) string { return idOrARN[strings.LastIndexByte(idOrARN, '/')+1:] }

func packetFilter(f *ec2api.PathRequestFilter) *state.PacketFilter {
	if f == nil {
		return nil
	}
	out := &state.PacketFilter{SourceAddress: f.SourceAddress, DestinationAddress: f.DestinationAddress}
	if r := f.DestinationPortRange; r != nil {
		out.DestinationPorts = &state.PortRange{From: *r.FromPort, To: *r.ToPort}
	}
	return out
}

func packetFilterOut(f *state.PacketFilter) *ec2api.PathFilter {
	if f == nil {
		return nil
	}
	out := &ec2api.PathFilter{SourceAddress: f.SourceAddress, DestinationAddress: f.DestinationAddress}
	if r := f.DestinationPorts; r != nil {
		out.DestinationPortRange = &ec2api.FilterPortRange{FromPort: &r.From, ToPort: &r.To}
	}
	return out
}

func insightsPathOut(p *state.NetworkInsightsPath) *ec2api.NetworkInsightsPath {
	arn := func(id string) string {
		if kind, ok := taggableOf(id); ok {
			return resourceARN(p.Account, p.Region, kind.resourceType, id)
		}
		return ""
	}
	return &ec2api.NetworkInsightsPath{
		NetworkInsightsPathId: p.ID, NetworkInsightsPathArn: arn(p.ID), CreatedDate: p.CreatedAt,
		Source: p.Source, SourceArn: arn(p.Source), Destination: p.Destination, DestinationArn: arn(p.Destination),
		SourceIp: p.SourceIP, DestinationIp: p.DestinationIP, Protocol: ec2api.Protocol(p.Protocol), DestinationPort: p.DestinationPort,
		FilterAtSource: packetFilterOut(p.AtSource), FilterAtDestination: packetFilterOut(p.AtDestination), Tags: apiTags(p.Tags),
	}
}

// DescribeNetworkInsightsPaths lists paths.
func (s *Service) DescribeNetworkInsightsPaths(ctx context.Context, in *ec2api.DescribeNetworkInsightsPathsRequest) (*ec2api.DescribeNetworkInsightsPathsResult, error) {
	var out ec2api.DescribeNetworkInsightsPathsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, insightsPathResource, query{in.NetworkInsightsPathIds, "networkInsightsPathIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.NetworkInsightsPaths = each(found, func(p *state.NetworkInsightsPath) ec2api.NetworkInsightsPath { return *insightsPathOut(p) })
		return err
	})
	return &out, err
}

// DeleteNetworkInsightsPath deletes a path that has no analyses any more.
func (s *Service) DeleteNetworkInsightsPath(ctx context.Context, in *ec2api.DeleteNetworkInsightsPathRequest) (*ec2api.DeleteNetworkInsightsPathResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		p, err := get(q, state.NetworkInsightsPaths, kindInsightsPath, in.NetworkInsightsPathId)
		if err != nil {
			return err
		}
		if exists(state.NetworkInsightsAnalyses.By(q.tx, "path", p.Key())) {
			return errorf("AnalysisExistsForNetworkInsightsPath", "An analysis exists for the network insights path '%s'", p.ID)
		}
		state.NetworkInsightsPaths.Delete(q.tx, p.Key())
		return nil
	})
	return &ec2api.DeleteNetworkInsightsPathResult{NetworkInsightsPathId: in.NetworkInsightsPathId}, err
}
