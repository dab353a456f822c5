package ec2_test

import (
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

func TestFlowLogs(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	ask := func() *ec2api.CreateFlowLogsRequest {
		return &ec2api.CreateFlowLogsRequest{
			ResourceIds: []string{vpc}, ResourceType: "VPC", TrafficType: "ALL", LogGroupName: "flows",
			DeliverLogsPermissionArn: "arn:aws:iam::000000000000:role/flows", MaxAggregationInterval: ptr(int32(60)),
		}
	}
	out := must(w.service.CreateFlowLogs(w.ctx, ask()))
	if len(out.FlowLogIds) != 1 {
		t.Fatalf("%+v", out)
	}
	f := must(w.service.DescribeFlowLogs(w.ctx, &ec2api.DescribeFlowLogsRequest{Filter: []ec2api.Filter{filter("resource-id", vpc)}})).FlowLogs[0]
	if f.FlowLogStatus != "ACTIVE" || f.DeliverLogsStatus != "SUCCESS" || f.LogDestination != "arn:aws:logs:eu-west-1:000000000000:log-group:flows" || *f.MaxAggregationInterval != 60 {
		t.Errorf("%+v", f)
	}
	for code, spoil := range map[string]func(*ec2api.CreateFlowLogsRequest){
		"FlowLogAlreadyExists":  func(*ec2api.CreateFlowLogsRequest) {},
		"InvalidVpcID.NotFound": func(in *ec2api.CreateFlowLogsRequest) { in.ResourceIds = []string{"vpc-0123456789abcdef0"} },
		"UnsupportedOperation":  func(in *ec2api.CreateFlowLogsRequest) { in.LogDestinationType = "s3" },
		"InvalidParameter":      func(in *ec2api.CreateFlowLogsRequest) { in.LogFormat = "${colour}" },
		"MissingParameter":      func(in *ec2api.CreateFlowLogsRequest) { in.DeliverLogsPermissionArn = "" },
	} {
		in := ask()
		spoil(in)
		_, err := w.service.CreateFlowLogs(w.ctx, in)
		fails(t, err, code, "")
	}
	must(w.service.DeleteFlowLogs(w.ctx, &ec2api.DeleteFlowLogsRequest{FlowLogIds: out.FlowLogIds}))
	_, err := w.service.DeleteFlowLogs(w.ctx, &ec2api.DeleteFlowLogsRequest{FlowLogIds: out.FlowLogIds})
	fails(t, err, "InvalidFlowLogId.NotFound", out.FlowLogIds[0])
}
