package ec2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/bucketlog"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2/flowlog"
	"github.com/neargate/neargate/internal/state"
)

// destination is where a flow log's lines go: a log group, or a bucket.
type destination struct{ group, bucket, prefix string }

// destinationOf reads and checks the destination of a request.
func destinationOf(in *ec2api.CreateFlowLogsRequest) (destination, error) {
	_, bad := arn.Parse(in.DeliverLogsPermissionArn)
	name, isBucket := strings.CutPrefix(in.LogDestination, "arn:aws:s3:::")
	to := destination{group: in.LogGroupName}
	switch in.LogDestinationType {
	case "s3":
		switch to.bucket, to.prefix, _ = strings.Cut(name, "/"); {
		case in.LogDestination == "":
			return to, errMissing("LogDestination")
		case !isBucket || to.bucket == "":
			return to, errParameter(in.LogDestination, "LogDestination", "Invalid ARN.")
		case in.LogGroupName != "":
			return to, errorf("InvalidParameterCombination", "The parameter LogGroupName cannot be used with the parameter LogDestinationType s3")
		case in.DeliverLogsPermissionArn != "":
			return to, errorf("InvalidParameterCombination", "The parameter DeliverLogsPermissionArn cannot be used with the parameter LogDestinationType s3")
		}
		to.prefix = strings.Trim(to.prefix, "/")
		return to, nil
	case "", "cloud-watch-logs":
	default:
		return to, errUnsupported("The log destination type " + string(in.LogDestinationType))
	}
	if a, ok := strings.CutPrefix(in.LogDestination, "arn:aws:logs:"); ok && to.group == "" {
		_, group, _ := strings.Cut(a, ":log-group:")
		to.group = strings.TrimSuffix(group, ":*")
	}
	switch {
	case to.group == "":
		return to, errMissing("LogGroupName")
	case in.DeliverLogsPermissionArn == "":
		return to, errMissing("DeliverLogsPermissionArn")
	case bad != nil:
		return to, errParameter(in.DeliverLogsPermissionArn, "DeliverLogsPermissionArn", "Invalid ARN.")
	}
	return to, nil
}

func destinationType(f *state.FlowLog) string {
	if f.Bucket != "" {
		return "s3"
	}
	return "cloud-watch-logs"
}

func destinationARN(f *state.FlowLog) string {
	if f.Bucket == "" {
		return "arn:aws:logs:" + f.Region + ":" + f.Account + ":log-group:" + f.LogGroup
	}
	return strings.TrimSuffix("arn:aws:s3:::"+f.Bucket+"/"+f.Prefix, "/")
}

// openDestination lets the delivery of logs into a bucket: as on AWS, who makes a
// flow log for a bucket without permission for it puts that into the bucket's
// policy. It returns why nothing can be delivered, "" when it can.
func (s *Service) openDestination(ctx context.Context, to destination) string {
	if to.bucket == "" || s.options.Buckets == nil {
		return ""
	}
	id := caller.From(ctx)
	policy, err := s.options.Buckets.GetBucketPolicy(ctx, &s3api.GetBucketPolicyRequest{Bucket: to.bucket})
	document := ""
	switch codeOf(err) {
	case "":
		document = policy.Policy
	case "NoSuchBucket":
		return "LogDestination: " + to.bucket + " does not exist"
	}
	if mine := "NoSuchBucketPolicy"; err == nil || codeOf(err) == mine {
		if changed, ok := withDelivery(document, to, id.Account, id.Region); ok {
			// Who may not change the policy may still have a bucket that is open already.
			_ = s.options.Buckets.PutBucketPolicy(ctx, &s3api.PutBucketPolicyRequest{Bucket: to.bucket, Policy: changed})
		}
	}
	as := bucketlog.As(ctx, flowlog.DeliveryPrincipal, id.Account, id.Region, flowlog.DeliverySource(id.Account, id.Region))
	if _, err := s.options.Buckets.GetBucketAcl(as, &s3api.GetBucketAclRequest{Bucket: to.bucket}); err != nil {
		return "Access Denied for LogDestination: " + to.bucket + ". Please check LogDestination permission"
	}
	return ""
}

// withDelivery is a bucket's policy with the statements that let flow logs of an
// account in; false when it has them.
func withDelivery(document string, to destination, account, region string) (string, bool) {
	policy := struct {
		Version   string
		ID        string `json:"Id,omitempty"`
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	if document != "" && json.Unmarshal([]byte(document), &policy) != nil {
		return "", false // one statement that is no list, or nothing we understand: its owner's to change
	}
	place := bucketlog.Place{Bucket: to.bucket, Prefix: to.prefix, Account: account, Service: "vpcflowlogs"}
	folder, _, _ := strings.Cut(place.Folder(), "/vpcflowlogs/")
	source := flowlog.DeliverySource(account, region)
	write := "arn:aws:s3:::" + to.bucket + "/" + folder + "/*"
	if strings.Contains(document, write) && strings.Contains(document, source) {
		return "", false
	}
	n := len(policy.Statement) + 1
	policy.Statement = append(policy.Statement,
		json.RawMessage(fmt.Sprintf(`{"Sid":"AWSLogDeliveryWrite%d","Effect":"Allow","Principal":{"Service":%q},"Action":"s3:PutObject","Resource":%q,"Condition":{"StringEquals":{"aws:SourceAccount":%q,"s3:x-amz-acl":"bucket-owner-full-control"},"ArnLike":{"aws:SourceArn":%q}}}`,
			n, flowlog.DeliveryPrincipal, write, account, source)),
		json.RawMessage(fmt.Sprintf(`{"Sid":"AWSLogDeliveryAclCheck%d","Effect":"Allow","Principal":{"Service":%q},"Action":"s3:GetBucketAcl","Resource":%q,"Condition":{"StringEquals":{"aws:SourceAccount":%q},"ArnLike":{"aws:SourceArn":%q}}}`,
			n, flowlog.DeliveryPrincipal, "arn:aws:s3:::"+to.bucket, account, source)))
	changed, err := json.Marshal(policy)
	return string(changed), err == nil
}

// codeOf is the code of an answer of AWS's, "" for success.
func codeOf(err error) string {
	var known wire.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.ErrorCode()
	}
	return "InternalError"
}
