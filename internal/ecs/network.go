package ecs

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/placement"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// network checks the network configuration of a request. Without security
// groups the default one of the VPC is meant, which is filled in at launch.
func (c scope) network(tx *store.Tx, in *ecsapi.NetworkConfiguration) (state.TaskNetwork, error) {
	var out state.TaskNetwork
	if in == nil || in.AwsvpcConfiguration == nil {
		return out, invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	}
	vpc := in.AwsvpcConfiguration
	switch {
	case len(vpc.Subnets) == 0:
		return out, invalid("subnets can not be empty.")
	case len(vpc.Subnets) > 16:
		return out, invalid("subnets can have at most 16 items.")
	case len(vpc.SecurityGroups) > 5:
		return out, invalid("securityGroups can have at most 5 items.")
	}
	out = state.TaskNetwork{Subnets: vpc.Subnets, SecurityGroups: vpc.SecurityGroups, AssignPublicIP: vpc.AssignPublicIp == ecsapi.AssignPublicIpEnabled}
	_, err := c.subnets(tx, out)
	return out, err
}

// subnets looks the subnets and security groups up.
func (c scope) subnets(tx *store.Tx, n state.TaskNetwork) ([]placement.Subnet, error) {
	var out []placement.Subnet
	vpc := ""
	for _, id := range n.Subnets {
		subnet, ok := state.Subnets.Get(tx, c.key(id))
		if !ok {
			return nil, invalid("Error retrieving subnet information for [%s]: The subnet ID '%s' does not exist (ErrorCode: InvalidSubnetID.NotFound)", id, id)
		}
		if vpc != "" && subnet.VpcID != vpc {
			return nil, invalid("Subnets must be in the same VPC.")
		}
		vpc = subnet.VpcID
		out = append(out, placement.Subnet{ID: id, Zone: subnet.AvailabilityZone})
	}
	for _, id := range n.SecurityGroups {
		group, ok := state.SecurityGroups.Get(tx, c.key(id))
		if !ok {
			return nil, invalid("Error retrieving security group information for [%s]: The security group '%s' does not exist (ErrorCode: InvalidGroup.NotFound)", id, id)
		}
		if group.VpcID != vpc {
			return nil, c.wrongVPC(tx, n, group, vpc)
		}
	}
	return out, nil
}

// wrongVPC refuses a security group of another VPC than the subnets'.
func (c scope) wrongVPC(tx *store.Tx, n state.TaskNetwork, group *state.SecurityGroup, vpc string) error {
	groups := strings.Join(c.defaultGroup(tx, n.Subnets[0]), ",")
	subnets := strings.Join(n.Subnets, ",")
	return &decision.Explained{Err: invalid("Security group %s does not appear to belong to the same VPC as the input subnets.", group.ID), Decision: decision.Decision{
		Phase: decision.Place, Verdict: decision.Deny, Code: "net.wrong-vpc", Where: group.ID, Resource: group.ID, Confidence: decision.Observed,
		Cause: "the security group " + group.ID + " (" + group.Name + ") belongs to " + group.VpcID + ", but the subnets belong to " + vpc,
		Facts: []decision.Fact{{Name: "subnets", Value: subnets}, {Name: "group", Value: group.ID}},
		Fix: []decision.Fix{
			{Lang: "cloudformation", Target: "AwsvpcConfiguration", Text: "SecurityGroups: [" + groups + "] # or others of " + vpc},
			{Lang: "terraform", Target: "network_configuration", Text: "security_groups = [\"" + groups + "\"] # or others of " + vpc},
			{Lang: "cli", Target: "in place of the request's", Text: "--network-configuration 'awsvpcConfiguration={subnets=[" + subnets + "],securityGroups=[" + groups + "]}'"},
		},
	}}
}

// defaultGroup is the default security group of the subnet's VPC.
func (c scope) defaultGroup(tx *store.Tx, subnet string) []string {
	s, ok := state.Subnets.Get(tx, c.key(subnet))
	if !ok {
		return nil
	}
	for g := range state.SecurityGroups.By(tx, "vpc", c.key(s.VpcID)) {
		if g.Name == "default" {
			return []string{g.ID}
		}
	}
	return nil
}

func describeNetwork(n state.TaskNetwork) *ecsapi.NetworkConfiguration {
	out := &ecsapi.AwsVpcConfiguration{Subnets: n.Subnets, SecurityGroups: append([]string{}, n.SecurityGroups...), AssignPublicIp: ecsapi.AssignPublicIpDisabled}
	if n.AssignPublicIP {
		out.AssignPublicIp = ecsapi.AssignPublicIpEnabled
	}
	return &ecsapi.NetworkConfiguration{AwsvpcConfiguration: out}
}
