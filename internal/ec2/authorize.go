package ec2

import (
	"reflect"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// resourceARN is the ARN of an EC2 resource.
func resourceARN(account, region, resourceType, id string) string {
	return "arn:aws:ec2:" + region + ":" + account + ":" + resourceType + "/" + id
}

// created are the operations that make something, with the type of it: they
// need permission on resources of that type that do not exist yet.
var created = map[string]string{
	"AllocateAddress": "elastic-ip", "CreateFlowLogs": "vpc-flow-log", "CreateDhcpOptions": "dhcp-options", "CreateInternetGateway": "internet-gateway", "CreateEgressOnlyInternetGateway": "egress-only-internet-gateway", "CreateNatGateway": "natgateway",
	"CreateManagedPrefixList": "prefix-list", "CreateNetworkAcl": "network-acl", "CreateNetworkInterface": "network-interface", "CreateRouteTable": "route-table", "CreateSecurityGroup": "security-group",
	"CreateSubnet": "subnet", "CreateVpc": "vpc", "CreateVpcEndpoint": "vpc-endpoint",
	"CreateNetworkInsightsPath": "network-insights-path", "StartNetworkInsightsAnalysis": "network-insights-analysis",
	"CreateVpcPeeringConnection": "vpc-peering-connection",
}

// onNamed are the operations that need permission on what the request names.
var onNamed = []string{
	"AcceptVpcPeeringConnection", "DeleteFlowLogs", "AssociateDhcpOptions", "DeleteDhcpOptions", "AssociateVpcCidrBlock", "DeleteVpcPeeringConnection", "DisassociateVpcCidrBlock", "ModifyVpcPeeringConnectionOptions",
	"RejectVpcPeeringConnection",
	"AssignIpv6Addresses", "UnassignIpv6Addresses", "AssociateSubnetCidrBlock", "DisassociateSubnetCidrBlock", "DeleteEgressOnlyInternetGateway",
	"AssociateAddress", "AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress",
	"CreateNetworkAclEntry", "CreateRoute", "DeleteManagedPrefixList", "GetManagedPrefixListAssociations", "ModifyManagedPrefixList", "RestoreManagedPrefixListVersion", "CreateTags", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry", "DeleteInternetGateway", "DeleteNatGateway", "DeleteNetworkInterface", "DeleteRoute", "DeleteRouteTable",
	"DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc", "DeleteVpcEndpoints", "DetachInternetGateway", "DisassociateAddress",
	"DisassociateRouteTable", "GetManagedPrefixListEntries", "ModifyNetworkInterfaceAttribute", "ModifySecurityGroupRules",
	"ModifySubnetAttribute", "ModifyVpcAttribute", "ModifyVpcEndpoint", "ReleaseAddress", "ReplaceRoute", "ReplaceRouteTableAssociation",
	"RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "UpdateSecurityGroupRuleDescriptionsEgress", "UpdateSecurityGroupRuleDescriptionsIngress",
	"DeleteNetworkInsightsAnalysis", "DeleteNetworkInsightsPath",
	"DescribeSecurityGroupReferences", "DescribeStaleSecurityGroups",
}

// onAll are the operations that know no single resources.
var onAll = []string{
	"DescribeEgressOnlyInternetGateways", "DescribeFlowLogs", "DescribeVpcPeeringConnections",
	"CreateDefaultVpc", "DescribeAccountAttributes", "DescribeAddresses", "DescribeAddressesAttribute", "DescribeAvailabilityZones",
	"DescribeDhcpOptions", "DescribeInternetGateways", "DescribeManagedPrefixLists", "DescribeNatGateways", "DescribeNetworkAcls",
	"DescribeNetworkInsightsAnalyses", "DescribeNetworkInsightsPaths", "DescribeNetworkInterfaceAttribute", "DescribeNetworkInterfaces", "DescribePrefixLists", "DescribeRegions", "DescribeRouteTables",
	"DescribeSecurityGroupRules", "DescribeSecurityGroups", "DescribeSubnets", "DescribeTags", "DescribeVpcAttribute",
	"DescribeVpcEndpointServices", "DescribeVpcEndpoints", "DescribeVpcs",
}

// Authorization is the table of permissions, after AWS's Service Authorization
// Reference.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for _, operation := range onAll {
		rules[operation] = []authorize.Rule{{Action: "ec2:" + operation, Conditions: s.conditions}}
	}
	for _, operation := range onNamed {
		rules[operation] = []authorize.Rule{{Action: "ec2:" + operation, Resources: s.named, Conditions: s.conditions}}
	}
	for operation, resourceType := range created {
		rules[operation] = []authorize.Rule{{Action: "ec2:" + operation, Conditions: s.conditions, Resources: func(id caller.Identity, in any) []string {
			return append([]string{resourceARN(id.Account, id.Region, resourceType, "*")}, s.named(id, in)...)
		}}}
		authorize.TagOnCreate(rules, "ec2:CreateTags", "ec2:CreateAction", func(id caller.Identity, _ any) []string {
			return []string{resourceARN(id.Account, id.Region, resourceType, "*")}
		}, operation)
	}
	rules["CreateFlowLogs"] = append(rules["CreateFlowLogs"], authorize.Rule{
		Action: "iam:PassRole",
		Resources: func(_ caller.Identity, in any) []string {
			return one(in.(*ec2api.CreateFlowLogsRequest).DeliverLogsPermissionArn)
		},
		Conditions: func(caller.Identity, any) map[string][]string {
			return map[string][]string{"iam:PassedToService": {"vpc-flow-logs.amazonaws.com"}}
		},
		Applies: func(_ caller.Identity, in any) bool {
			return in.(*ec2api.CreateFlowLogsRequest).DeliverLogsPermissionArn != ""
		},
	})
	return authorize.Service{Rules: rules, ResourceTags: s.resourceTags}
}

// resourceTags are the tags of the resource with an ARN.
func (s *Service) resourceTags(id caller.Identity, resource string) map[string]string {
	name := resource[strings.LastIndexByte(resource, '/')+1:]
	kind, ok := taggableOf(name)
	if !ok {
		return nil
	}
	tags, _ := kind.get(s.scopeOf(s.db.Read(), id.Account, id.Region), name)
	return state.TagMap(tags)
}

// named are the ARNs of the resources that a request names.
func (s *Service) named(id caller.Identity, in any) []string {
	var arns []string
	for _, name := range s.namedIDs(id, in) {
		if kind, ok := taggableOf(name); ok {
			arns = append(arns, resourceARN(id.Account, id.Region, kind.resourceType, name))
		}
	}
	if v := reflect.ValueOf(in).Elem().FieldByName("GroupName"); len(arns) == 0 && v.IsValid() && v.String() != "" {
		arns = append(arns, resourceARN(id.Account, id.Region, "security-group", "*"))
	}
	return unique(arns)
}

// namedIDs are the ids in a request: its members whose names end in Id or Ids,
// Groups and Resources. An association stands for its route table, and a public
// address for its allocation.
func (s *Service) namedIDs(id caller.Identity, in any) []string {
	q := s.scopeOf(s.db.Read(), id.Account, id.Region)
	var all []string
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch {
		case name == "AssociationId":
			all = append(all, q.associatedID(field.String())...)
		case name == "PublicIp" && field.String() != "":
			if a, err := q.addressByIP(field.String()); err == nil {
				all = append(all, a.AllocationID)
			}
		case strings.HasSuffix(name, "Id") && field.Kind() == reflect.String:
			all = append(all, one(field.String())...)
		case strings.HasSuffix(name, "Ids") || name == "GroupId" || name == "Groups" || name == "Resources":
			if list, ok := field.Interface().([]string); ok {
				all = append(all, list...)
			}
		}
	}
	return all
}

// associatedID is what an association belongs to.
func (q *scope) associatedID(association string) []string {
	if t, ok := first(state.RouteTables.By(q.tx, "association", q.key(association))); ok {
		return []string{t.ID}
	}
	if v, _, ok := q.vpcAssociation(association); ok {
		return []string{v.ID}
	}
	if v, _, ok := q.vpcAssociation6(association); ok {
		return []string{v.ID}
	}
	if n, ok := first(state.Subnets.By(q.tx, "cidr-association", q.key(association))); ok {
		return []string{n.ID}
	}
	if a, ok := first(state.Addresses.By(q.tx, "association", q.key(association))); ok {
		return []string{a.AllocationID}
	}
	if n, ok := first(state.Subnets.By(q.tx, "acl-association", q.key(association))); ok {
		return []string{n.NetworkACLID, n.ID}
	}
	return nil
}

// conditions are the values of EC2's condition keys for a request.
func (s *Service) conditions(id caller.Identity, in any) map[string][]string {
	q := s.scopeOf(s.db.Read(), id.Account, id.Region)
	values := map[string][]string{"ec2:Region": {id.Region}}
	add := func(key, value string) {
		if value != "" && !slices.Contains(values[key], value) {
			values[key] = append(values[key], value)
		}
	}
	for _, name := range s.namedIDs(id, in) {
		if kind, ok := taggableOf(name); ok {
			tags, _ := kind.get(q, name)
			for _, t := range tags {
				values["aws:ResourceTag/"+t.Key] = []string{t.Value}
				values["ec2:ResourceTag/"+t.Key] = []string{t.Value}
			}
		}
		if vpc := q.vpcOf(name); vpc != "" {
			add("ec2:Vpc", resourceARN(id.Account, id.Region, "vpc", vpc))
		}
	}
	for _, t := range requestTags(in) {
		values["aws:RequestTag/"+t.Key] = []string{t.Value}
		add("aws:TagKeys", t.Key)
	}
	if e, ok := in.(*ec2api.CreateVpcEndpointRequest); ok {
		add("ec2:VpceServiceName", e.ServiceName)
		add("ec2:VpceServiceOwner", "amazon")
	}
	return values
}

// vpcOf is the VPC that a resource is in.
func (q *scope) vpcOf(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	key := q.key(id)
	switch prefix {
	case "subnet":
		if r, ok := state.Subnets.Get(q.tx, key); ok {
			return r.VpcID
		}
	case "rtb":
		if r, ok := state.RouteTables.Get(q.tx, key); ok {
			return r.VpcID
		}
	case "sg":
		if r, ok := state.SecurityGroups.Get(q.tx, key); ok {
			return r.VpcID
		}
	case "acl":
		if r, ok := state.NetworkAcls.Get(q.tx, key); ok {
			return r.VpcID
		}
	case "eni":
		if r, ok := state.NetworkInterfaces.Get(q.tx, key); ok {
			return r.VpcID
		}
	case "vpc":
		return id
	}
	return ""
}

// requestTags are the tags that a request wants to put on something.
func requestTags(in any) []ec2api.Tag {
	v := reflect.ValueOf(in).Elem()
	if f := v.FieldByName("Tags"); f.IsValid() {
		tags, _ := f.Interface().([]ec2api.Tag)
		return tags
	}
	var tags []ec2api.Tag
	if f := v.FieldByName("TagSpecifications"); f.IsValid() {
		specs, _ := f.Interface().([]ec2api.TagSpecification)
		for _, spec := range specs {
			tags = append(tags, spec.Tags...)
		}
	}
	return tags
}
