package ec2_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
)

// twoTasks are interfaces of tasks in two subnets of a VPC, with groups of
// their own.
func (w *world) twoTasks() (vpc, first, second, firstGroup, secondGroup string) {
	w.t.Helper()
	vpc = w.vpc("10.0.0.0/16")
	make := func(name, cidr string) (string, string) {
		group := w.group(vpc, name)
		n, err := w.service.EnsureInterface(w.ctx, ec2.InterfaceSpec{Account: "000000000000", Region: "eu-west-1", Name: "ecs/" + name, Owner: name, SubnetID: w.subnet(vpc, cidr), SecurityGroupIDs: []string{group}})
		if err != nil {
			w.t.Fatal(err)
		}
		return n.ID, group
	}
	first, firstGroup = make("first", "10.0.1.0/24")
	second, secondGroup = make("second", "10.0.2.0/24")
	return vpc, first, second, firstGroup, secondGroup
}

func (w *world) path(in ec2api.CreateNetworkInsightsPathRequest) string {
	w.t.Helper()
	in.ClientToken = w.t.Name() + in.Source + in.Destination + in.DestinationIp
	in.Protocol = "tcp"
	return must(w.service.CreateNetworkInsightsPath(w.ctx, &in)).NetworkInsightsPath.NetworkInsightsPathId
}

func (w *world) analyse(path, token string, in ...string) *ec2api.NetworkInsightsAnalysis {
	w.t.Helper()
	return must(w.service.StartNetworkInsightsAnalysis(w.ctx, &ec2api.StartNetworkInsightsAnalysisRequest{NetworkInsightsPathId: path, ClientToken: token, FilterInArns: in})).NetworkInsightsAnalysis
}

func componentsOf(list []ec2api.PathComponent) string {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.Component.Id)
	}
	return strings.Join(ids, " ")
}

func TestReachabilityBetweenInterfaces(t *testing.T) {
	w := newWorld(t)
	w.run()
	vpc, first, second, firstGroup, secondGroup := w.twoTasks()
	acl := must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc)}})).NetworkAcls[0].NetworkAclId
	path := w.path(ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: second, DestinationPort: ptr(int32(80))})

	a := w.analyse(path, "1")
	if *a.NetworkPathFound || a.Status != "succeeded" || len(a.Explanations) != 1 {
		t.Fatalf("without a rule: %+v", a)
	}
	e := a.Explanations[0]
	if e.ExplanationCode != "SG_HAS_NO_RULES" || e.Direction != "ingress" || e.NetworkInterface.Id != second || e.SecurityGroups[0].Id != secondGroup || e.Vpc.Id != vpc || e.Subnet == nil {
		t.Errorf("explanation is %+v", e)
	}
	w.allow(secondGroup, 443, firstGroup)
	if a = w.analyse(path, "2"); *a.NetworkPathFound || a.Explanations[0].ExplanationCode != "ENI_SG_RULES_MISMATCH" {
		t.Errorf("with another rule: %+v", a.Explanations)
	}
	w.allow(secondGroup, 80, firstGroup)
	a = w.analyse(path, "3")
	table := w.mainTable(vpc).RouteTableId
	if want := strings.Join([]string{first, firstGroup, acl, table, acl, secondGroup, second}, " "); !*a.NetworkPathFound || componentsOf(a.ForwardPathComponents) != want {
		t.Fatalf("there: %v\n%s, want\n%s", a.Explanations, componentsOf(a.ForwardPathComponents), want)
	}
	if want := strings.Join([]string{second, acl, acl, first}, " "); componentsOf(a.ReturnPathComponents) != want {
		t.Errorf("back: %s, want %s", componentsOf(a.ReturnPathComponents), want)
	}
	rule := a.ForwardPathComponents[5].SecurityGroupRule
	if rule == nil || rule.SecurityGroupId != firstGroup || *rule.PortRange.From != 80 || rule.Protocol != "tcp" || rule.Direction != "ingress" {
		t.Errorf("the rule is %+v", rule)
	}
	if r := a.ForwardPathComponents[3].RouteTableRoute; r == nil || r.GatewayId != "local" || r.DestinationCidr != "10.0.0.0/16" {
		t.Errorf("the route is %+v", r)
	}
	if r := a.ForwardPathComponents[2].AclRule; r == nil || *r.RuleNumber != 100 || !*r.Egress || r.RuleAction != "allow" {
		t.Errorf("the network ACL's rule is %+v", r)
	}
	// Stateless: without an entry for replies nothing comes back.
	if err := w.service.ReplaceNetworkAclEntry(w.ctx, &ec2api.ReplaceNetworkAclEntryRequest{NetworkAclId: acl, RuleNumber: 100, Egress: true, Protocol: "6", RuleAction: "allow", CidrBlock: "0.0.0.0/0", PortRange: &ec2api.PortRange{From: ptr(int32(80)), To: ptr(int32(80))}}); err != nil {
		t.Fatal(err)
	}
	if a = w.analyse(path, "4"); *a.NetworkPathFound || a.Explanations[0].ExplanationCode != "SUBNET_ACL_RESTRICTION" || a.Explanations[0].Acl.Id != acl || a.Explanations[0].Direction != "egress" {
		t.Errorf("without replies: %+v", a.Explanations)
	}
}

// allow lets a group's members reach a port of another's.
func (w *world) allow(group string, port int32, from string) {
	w.t.Helper()
	must(w.service.AuthorizeSecurityGroupIngress(w.ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: group, IpPermissions: []ec2api.IpPermission{
		{IpProtocol: "tcp", FromPort: &port, ToPort: &port, UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: from}}}}}))
}

func TestReachabilityOfTheInternet(t *testing.T) {
	w := newWorld(t)
	w.run()
	vpc, first, _, group, _ := w.twoTasks()
	gateway := w.attachedGateway(vpc)
	out := w.path(ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: gateway, DestinationPort: ptr(int32(443))})
	in := w.path(ec2api.CreateNetworkInsightsPathRequest{Source: gateway, Destination: first, FilterAtSource: &ec2api.PathRequestFilter{DestinationPortRange: &ec2api.RequestFilterPortRange{FromPort: ptr(int32(1)), ToPort: ptr(int32(1000))}}})
	code := func(path, token string) string {
		var codes []string
		for _, e := range w.analyse(path, token).Explanations {
			codes = append(codes, e.ExplanationCode)
		}
		return strings.Join(codes, " ")
	}
	if got := code(out, "1"); got != "NO_ROUTE_TO_DESTINATION" {
		t.Errorf("out without a route: %s", got)
	}
	if got := code(in, "2"); got != "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS SG_HAS_NO_RULES" {
		t.Errorf("in: %s", got)
	}
	must(w.service.CreateRoute(w.ctx, &ec2api.CreateRouteRequest{RouteTableId: w.mainTable(vpc).RouteTableId, DestinationCidrBlock: "0.0.0.0/0", GatewayId: gateway}))
	a := w.analyse(out, "3")
	if e := a.Explanations; len(e) != 1 || e[0].ExplanationCode != "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS" || e[0].InternetGateway.Id != gateway {
		t.Errorf("out without a public IP: %+v", e)
	}
	public := must(w.service.EnsureInterface(w.ctx, ec2.InterfaceSpec{Account: "000000000000", Region: "eu-west-1", Name: "ecs/public", Owner: "public", SubnetID: w.subnet(vpc, "10.0.3.0/24"), SecurityGroupIDs: []string{group}, AssignPublicIP: true})).ID
	out = w.path(ec2api.CreateNetworkInsightsPathRequest{Source: public, Destination: gateway, DestinationPort: ptr(int32(443))})
	in = w.path(ec2api.CreateNetworkInsightsPathRequest{Source: gateway, Destination: public, FilterAtSource: &ec2api.PathRequestFilter{DestinationPortRange: &ec2api.RequestFilterPortRange{FromPort: ptr(int32(1)), ToPort: ptr(int32(1000))}}})
	a = w.analyse(out, "4")
	if !*a.NetworkPathFound || !strings.HasSuffix(componentsOf(a.ForwardPathComponents), " "+gateway) {
		t.Errorf("out: %+v", a.Explanations)
	}
	must(w.service.AuthorizeSecurityGroupIngress(w.ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: group, IpProtocol: "tcp", FromPort: ptr(int32(80)), ToPort: ptr(int32(80)), CidrIp: "0.0.0.0/0"}))
	a = w.analyse(in, "5") // the one open port of the range is found
	if !*a.NetworkPathFound || *a.ForwardPathComponents[0].OutboundHeader.DestinationPortRanges[0].From != 80 {
		t.Errorf("in: %+v %+v", a.Explanations, a.ForwardPathComponents)
	}
	arn := "arn:aws:ec2:eu-west-1:000000000000:natgateway/nat-1"
	if a = w.analyse(in, "6", arn); *a.NetworkPathFound || a.Explanations[0].ExplanationCode != "COMPONENT_FILTER_RESTRICTION" {
		t.Errorf("through a gateway that is not on the way: %+v", a)
	}
}

func TestInsightsPathsAndAnalyses(t *testing.T) {
	w := newWorld(t)
	w.run()
	_, first, second, _, _ := w.twoTasks()
	for name, test := range map[string]struct {
		in   ec2api.CreateNetworkInsightsPathRequest
		code string
	}{
		"no source":            {ec2api.CreateNetworkInsightsPathRequest{Source: "eni-0123456789abcdef0", Destination: second}, "NetworkInsightsSource.NotFound"},
		"no destination":       {ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: "igw-0123456789abcdef0"}, "NetworkInsightsDestination.NotFound"},
		"nothing to go to":     {ec2api.CreateNetworkInsightsPathRequest{Source: first}, "MissingParameter"},
		"an instance":          {ec2api.CreateNetworkInsightsPathRequest{Source: "i-0123456789abcdef0", Destination: second}, "UnsupportedOperation"},
		"two ports":            {ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: second, DestinationPort: ptr(int32(1)), FilterAtSource: &ec2api.PathRequestFilter{}}, "InvalidParameterCombination"},
		"an impossible target": {ec2api.CreateNetworkInsightsPathRequest{Source: first, DestinationIp: "999.1.1.1"}, "InvalidParameterValue"},
	} {
		test.in.Protocol, test.in.ClientToken = "tcp", name
		_, err := w.service.CreateNetworkInsightsPath(w.ctx, &test.in)
		fails(t, err, test.code, "")
	}
	path := w.path(ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: "arn:aws:ec2:eu-west-1:000000000000:network-interface/" + second, DestinationPort: ptr(int32(80))})
	if again := w.path(ec2api.CreateNetworkInsightsPathRequest{Source: first, Destination: "arn:aws:ec2:eu-west-1:000000000000:network-interface/" + second}); again != path {
		t.Error("the same token made another path")
	}
	listed := must(w.service.DescribeNetworkInsightsPaths(w.ctx, &ec2api.DescribeNetworkInsightsPathsRequest{Filters: []ec2api.Filter{filter("destination", second)}})).NetworkInsightsPaths
	if len(listed) != 1 || listed[0].Destination != second || listed[0].NetworkInsightsPathArn != "arn:aws:ec2:eu-west-1:000000000000:network-insights-path/"+path {
		t.Errorf("listed: %+v", listed)
	}
	a := w.analyse(path, "1")
	if b := w.analyse(path, "1"); b.NetworkInsightsAnalysisId != a.NetworkInsightsAnalysisId {
		t.Error("the same token made another analysis")
	}
	if found := must(w.service.DescribeNetworkInsightsAnalyses(w.ctx, &ec2api.DescribeNetworkInsightsAnalysesRequest{NetworkInsightsPathId: path, Filters: []ec2api.Filter{filter("path-found", "false")}})).NetworkInsightsAnalyses; len(found) != 1 || len(found[0].Explanations) != 1 {
		t.Errorf("found: %+v", found)
	}
	_, err := w.service.DeleteNetworkInsightsPath(w.ctx, &ec2api.DeleteNetworkInsightsPathRequest{NetworkInsightsPathId: path})
	fails(t, err, "AnalysisExistsForNetworkInsightsPath", "")
	must(w.service.DeleteNetworkInsightsAnalysis(w.ctx, &ec2api.DeleteNetworkInsightsAnalysisRequest{NetworkInsightsAnalysisId: a.NetworkInsightsAnalysisId}))
	must(w.service.DeleteNetworkInsightsPath(w.ctx, &ec2api.DeleteNetworkInsightsPathRequest{NetworkInsightsPathId: path}))
	_, err = w.service.StartNetworkInsightsAnalysis(w.ctx, &ec2api.StartNetworkInsightsAnalysisRequest{NetworkInsightsPathId: path, ClientToken: "2"})
	fails(t, err, "InvalidNetworkInsightsPathId.NotFound", "")
	rules := w.service.Authorization().Rules["StartNetworkInsightsAnalysis"]
	id := caller.From(w.ctx)
	if got := rules[0].Resources(id, &ec2api.StartNetworkInsightsAnalysisRequest{NetworkInsightsPathId: "nip-1"}); !slices.Equal(got, []string{"arn:aws:ec2:eu-west-1:000000000000:network-insights-analysis/*", "arn:aws:ec2:eu-west-1:000000000000:network-insights-path/nip-1"}) {
		t.Errorf("an analysis needs permission on %v", got)
	}
}
