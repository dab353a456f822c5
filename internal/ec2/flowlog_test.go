package ec2_test

import (
	"context"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/network"
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
		"UnsupportedOperation":  func(in *ec2api.CreateFlowLogsRequest) { in.LogDestinationType = "kinesis-data-firehose" },
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

// bucketPolicies is S3 with one bucket, whose policy decides whether the delivery
// of logs may read its ACL.
type bucketPolicies struct {
	s3api.API
	policy string
	locked bool // the policy cannot be changed
}

func (b *bucketPolicies) GetBucketPolicy(_ context.Context, in *s3api.GetBucketPolicyRequest) (*s3api.GetBucketPolicyOutput, error) {
	switch {
	case in.Bucket != "flows":
		return nil, wire.NewError("NoSuchBucket", 404, "The specified bucket does not exist")
	case b.policy == "":
		return nil, wire.NewError("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
	}
	return &s3api.GetBucketPolicyOutput{Policy: b.policy}, nil
}

func (b *bucketPolicies) PutBucketPolicy(_ context.Context, in *s3api.PutBucketPolicyRequest) error {
	if b.locked {
		return wire.NewError("AccessDenied", 403, "Access Denied")
	}
	b.policy = in.Policy
	return nil
}

func (b *bucketPolicies) GetBucketAcl(ctx context.Context, _ *s3api.GetBucketAclRequest) (*s3api.GetBucketAclOutput, error) {
	if id := caller.From(ctx); id.ServiceName != "delivery.logs.amazonaws.com" || !strings.Contains(b.policy, "AWSLogDeliveryAclCheck") {
		return nil, wire.NewError("AccessDenied", 403, "Access Denied")
	}
	return &s3api.GetBucketAclOutput{}, nil
}

// A flow log for a bucket lets the delivery in by the bucket's policy, once, and is
// not made where that cannot be.
func TestFlowLogsForABucket(t *testing.T) {
	w := newWorld(t)
	b := &bucketPolicies{}
	options := ec2.Divide(network.DefaultSite("test"))
	options.Buckets = b
	w.service = ec2.New(w.db, w.engine, w.engine.edge(), options)
	vpc := w.vpc("10.0.0.0/16")
	create := func(destination string, traffic ec2api.TrafficType) *ec2api.CreateFlowLogsResult {
		t.Helper()
		return must(w.service.CreateFlowLogs(w.ctx, &ec2api.CreateFlowLogsRequest{ResourceIds: []string{vpc}, ResourceType: "VPC", TrafficType: traffic, LogDestinationType: "s3", LogDestination: destination}))
	}
	refused := func(out *ec2api.CreateFlowLogsResult, want string) {
		t.Helper()
		if len(out.FlowLogIds) != 0 || len(out.Unsuccessful) != 1 || out.Unsuccessful[0].Error.Code != "400" || out.Unsuccessful[0].Error.Message != want {
			t.Errorf("%+v, want %q", out, want)
		}
	}
	refused(create("arn:aws:s3:::nowhere", "ALL"), "LogDestination: nowhere does not exist")
	b.locked = true
	refused(create("arn:aws:s3:::flows", "ALL"), "Access Denied for LogDestination: flows. Please check LogDestination permission")
	b.locked = false
	out := create("arn:aws:s3:::flows/of/vpcs/", "ALL")
	if len(out.FlowLogIds) != 1 || !strings.Contains(b.policy, `"arn:aws:s3:::flows/of/vpcs/AWSLogs/000000000000/*"`) {
		t.Fatalf("%+v\n%s", out, b.policy)
	}
	f := must(w.service.DescribeFlowLogs(w.ctx, &ec2api.DescribeFlowLogsRequest{Filter: []ec2api.Filter{filter("log-destination-type", "s3")}})).FlowLogs[0]
	if f.LogDestination != "arn:aws:s3:::flows/of/vpcs" || f.LogDestinationType != "s3" || f.LogGroupName != "" {
		t.Errorf("%+v", f)
	}
	before := b.policy
	if create("arn:aws:s3:::flows/of/vpcs", "REJECT"); b.policy != before {
		t.Errorf("the policy was changed again:\n%s", b.policy)
	}
	_, err := w.service.CreateFlowLogs(w.ctx, &ec2api.CreateFlowLogsRequest{ResourceIds: []string{vpc}, ResourceType: "VPC", TrafficType: "ALL", LogDestinationType: "s3", LogDestination: "arn:aws:s3:::flows/of/vpcs"})
	fails(t, err, "FlowLogAlreadyExists", "")
}
