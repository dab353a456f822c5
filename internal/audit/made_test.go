package audit_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// Events name what the call made, which only its answer tells.
func TestEventsNameWhatWasMade(t *testing.T) {
	const ec2 = "arn:aws:ec2:eu-west-1:111111111111:"
	cases := []struct {
		service   *wire.Service
		operation string
		in, out   any
		err       error
		checked   string
		want      []string
	}{
		{ec2api.Model, "CreateVpc", &ec2api.CreateVpcRequest{}, &ec2api.CreateVpcResult{Vpc: &ec2api.Vpc{VpcId: "vpc-1", DhcpOptionsId: "dopt-1"}}, nil, ec2 + "vpc/*", []string{ec2 + "vpc/vpc-1"}},
		{ec2api.Model, "CreateSubnet", &ec2api.CreateSubnetRequest{}, &ec2api.CreateSubnetResult{Subnet: &ec2api.Subnet{SubnetId: "subnet-1", VpcId: "vpc-1"}}, nil, ec2 + "vpc/vpc-1", []string{ec2 + "vpc/vpc-1", ec2 + "subnet/subnet-1"}},
		{ec2api.Model, "CreateSecurityGroup", &ec2api.CreateSecurityGroupRequest{}, &ec2api.CreateSecurityGroupResult{GroupId: "sg-1"}, nil, "*", []string{ec2 + "security-group/sg-1"}},
		{ec2api.Model, "AllocateAddress", &ec2api.AllocateAddressRequest{}, &ec2api.AllocateAddressResult{AllocationId: "eipalloc-1"}, nil, "*", []string{ec2 + "elastic-ip/eipalloc-1"}},
		{ec2api.Model, "CreateFlowLogs", &ec2api.CreateFlowLogsRequest{}, &ec2api.CreateFlowLogsResult{FlowLogIds: []string{"fl-1", "fl-2"}}, nil, "*", []string{ec2 + "vpc-flow-log/fl-1", ec2 + "vpc-flow-log/fl-2"}},
		{ecsapi.Model, "RunTask", &ecsapi.RunTaskRequest{}, &ecsapi.RunTaskResponse{Tasks: []ecsapi.Task{{TaskArn: "arn:aws:ecs:eu-west-1:111111111111:task/c/1", ClusterArn: "arn:aws:ecs:eu-west-1:111111111111:cluster/c"}}}, nil, "*", []string{"arn:aws:ecs:eu-west-1:111111111111:task/c/1"}},
		{secretsmanagerapi.Model, "CreateSecret", &secretsmanagerapi.CreateSecretRequest{}, &secretsmanagerapi.CreateSecretResponse{ARN: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-abcdef"}, nil, "*", []string{"arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-abcdef"}},
		{cloudformationapi.Model, "CreateStack", &cloudformationapi.CreateStackInput{}, &cloudformationapi.CreateStackOutput{StackId: "arn:aws:cloudformation:eu-west-1:111111111111:stack/s/1"}, nil, "*", []string{"arn:aws:cloudformation:eu-west-1:111111111111:stack/s/1"}},
		{iamapi.Model, "CreateRole", &iamapi.CreateRoleRequest{}, &iamapi.CreateRoleResponse{Role: &iamapi.Role{Arn: "arn:aws:iam::111111111111:role/r"}}, nil, "arn:aws:iam::111111111111:role/r", []string{"arn:aws:iam::111111111111:role/r"}},
		{iamapi.Model, "CreateAccessKey", &iamapi.CreateAccessKeyRequest{}, &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{AccessKeyId: "LKIA1"}}, nil, "*", nil},
		{ec2api.Model, "CreateVpc", &ec2api.CreateVpcRequest{}, nil, wire.NewError("UnauthorizedOperation", 403, "no"), ec2 + "vpc/*", nil},
		{ec2api.Model, "DescribeVpcs", &ec2api.DescribeVpcsRequest{}, &ec2api.DescribeVpcsResult{Vpcs: []ec2api.Vpc{{VpcId: "vpc-1"}}}, nil, "*", nil},
	}
	for _, c := range cases {
		l, _ := open(t, t.TempDir())
		root := caller.ForRoot(acct, "eu-west-1")
		call := audit.Call{Identity: root, Operation: c.service.Operation(c.operation), In: c.in, Out: c.out, Err: c.err, At: at(1), Rules: []authorize.Rule{{Resources: authorize.On(c.checked)}}}
		l.Record(call)
		region := "eu-west-1"
		if c.service == iamapi.Model {
			region = "us-east-1"
		}
		var event struct{ Resources []struct{ ARN string } }
		if err := json.Unmarshal([]byte(read(t, l, region, audit.Management)[0]), &event); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range event.Resources {
			got = append(got, r.ARN)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.operation, got, c.want)
		}
	}
}
