package ec2_test

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
)

func TestEveryOperationHasAPermission(t *testing.T) {
	w := newWorld(t)
	rules := w.service.Authorization().Rules
	for operation := range ec2api.Model.Operations {
		if len(rules[operation]) == 0 {
			t.Errorf("%s needs no permission", operation)
		}
	}
	for operation := range rules {
		if ec2api.Model.Operation(operation) == nil {
			t.Errorf("%s is not served", operation)
		}
	}
}

// TestFlowLogsPassTheirRole: who may log flows may not thereby hand over every role.
func TestFlowLogsPassTheirRole(t *testing.T) {
	w := newWorld(t)
	rules := w.service.Authorization().Rules["CreateFlowLogs"]
	pass := rules[len(rules)-1]
	id, role := caller.From(w.ctx), "arn:aws:iam::000000000000:role/flows"
	in := &ec2api.CreateFlowLogsRequest{DeliverLogsPermissionArn: role}
	if pass.Action != "iam:PassRole" || !pass.Applies(id, in) || !slices.Equal(pass.Resources(id, in), []string{role}) || !slices.Equal(pass.Conditions(id, in)["iam:PassedToService"], []string{"vpc-flow-logs.amazonaws.com"}) {
		t.Errorf("%+v", pass)
	}
	if pass.Applies(id, &ec2api.CreateFlowLogsRequest{}) {
		t.Error("a role is asked for where none is handed over")
	}
}

func TestPermissionsNameResources(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	table := w.createTable(vpc)
	subnet := w.subnet(vpc, "10.0.1.0/24")
	association := must(w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: table, SubnetId: subnet})).AssociationId
	const prefix = "arn:aws:ec2:eu-west-1:000000000000:"
	rules := w.service.Authorization().Rules
	for _, test := range []struct {
		operation string
		in        any
		want      []string
	}{
		{"CreateVpc", &ec2api.CreateVpcRequest{}, []string{prefix + "vpc/*"}},
		{"CreateSubnet", &ec2api.CreateSubnetRequest{VpcId: vpc}, []string{prefix + "subnet/*", prefix + "vpc/" + vpc}},
		{"DisassociateRouteTable", &ec2api.DisassociateRouteTableRequest{AssociationId: association}, []string{prefix + "route-table/" + table}},
		{"DeleteSecurityGroup", &ec2api.DeleteSecurityGroupRequest{GroupName: "web"}, []string{prefix + "security-group/*"}},
		{"CreateTags", &ec2api.CreateTagsRequest{Resources: []string{"eni-1"}}, []string{prefix + "network-interface/eni-1"}},
	} {
		got := rules[test.operation][0].Resources(caller.From(w.ctx), test.in)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.operation, got, test.want)
		}
	}
	conditions := rules["DeleteSubnet"][0].Conditions(caller.From(w.ctx), &ec2api.DeleteSubnetRequest{SubnetId: subnet})
	if got := conditions["ec2:Vpc"]; !slices.Equal(got, []string{prefix + "vpc/" + vpc}) {
		t.Errorf("ec2:Vpc is %v", got)
	}
}
