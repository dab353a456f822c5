package ec2

import (
	"cmp"
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ec2/flowlog"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var flowLogResource = resource[state.FlowLog]{
	table: state.FlowLogs, kind: kindFlowLog, least: 1,
	id:   func(f *state.FlowLog) string { return f.ID },
	tags: func(f *state.FlowLog) []state.Tag { return f.Tags },
	fields: fields[state.FlowLog]{
		"flow-log-id":          func(_ *scope, f *state.FlowLog) []string { return one(f.ID) },
		"resource-id":          func(_ *scope, f *state.FlowLog) []string { return one(f.ResourceID) },
		"traffic-type":         func(_ *scope, f *state.FlowLog) []string { return one(f.TrafficType) },
		"log-group-name":       func(_ *scope, f *state.FlowLog) []string { return one(f.LogGroup) },
		"log-destination-type": func(_ *scope, f *state.FlowLog) []string { return one(destinationType(f)) },
		"deliver-log-status":   func(_ *scope, f *state.FlowLog) []string { return one(deliveryStatus(f)) },
	},
}

func deliveryStatus(f *state.FlowLog) string {
	if f.DeliveryError != "" {
		return "FAILED"
	}
	return "SUCCESS"
}

// CreateFlowLogs lets the traffic of VPCs, subnets or interfaces be written into a
// log group or a bucket.
func (s *Service) CreateFlowLogs(ctx context.Context, in *ec2api.CreateFlowLogsRequest) (*ec2api.CreateFlowLogsResult, error) {
	if err := unsupported(in, "ClientToken", "DeliverLogsPermissionArn", "LogGroupName", "ResourceIds", "ResourceType", "TrafficType", "LogDestinationType",
		"LogDestination", "LogFormat", "TagSpecifications", "MaxAggregationInterval"); err != nil {
		return nil, err
	}
	to, err := checkFlowLog(in)
	if err != nil {
		return nil, err
	}
	out := ec2api.CreateFlowLogsResult{Unsuccessful: []ec2api.UnsuccessfulItem{}, ClientToken: in.ClientToken}
	if problem := s.openDestination(ctx, to); problem != "" {
		for _, id := range unique(in.ResourceIds) {
			out.Unsuccessful = append(out.Unsuccessful, ec2api.UnsuccessfulItem{ResourceId: id, Error: &ec2api.UnsuccessfulItemError{Code: "400", Message: problem}})
		}
		return &out, nil
	}
	err = s.write(ctx, in.DryRun, func(q *scope) error {
		tags, err := specifiedTags(q, in.TagSpecifications, "vpc-flow-log")
		if err != nil {
			return err
		}
		for _, id := range unique(in.ResourceIds) {
			made, err := q.makeFlowLog(in, to, id, tags)
			if err != nil {
				return err
			}
			out.FlowLogIds = append(out.FlowLogIds, made)
		}
		return nil
	})
	return &out, err
}

// checkFlowLog checks what needs no records, and returns where the lines go.
func checkFlowLog(in *ec2api.CreateFlowLogsRequest) (destination, error) {
	to, err := destinationOf(in)
	interval := int32(600)
	if in.MaxAggregationInterval != nil {
		interval = *in.MaxAggregationInterval
	}
	switch {
	case err != nil:
		return to, err
	case len(in.ResourceIds) == 0:
		return to, errMissing("ResourceId")
	case in.ResourceType == "":
		return to, errMissing("ResourceType")
	case in.ResourceType != "VPC" && in.ResourceType != "Subnet" && in.ResourceType != "NetworkInterface":
		return to, errUnsupported("The resource type " + string(in.ResourceType))
	case in.TrafficType == "":
		return to, errMissing("TrafficType")
	case interval != 60 && interval != 600:
		return to, errorf("InvalidParameter", "Invalid max aggregation interval: %d. Valid values are 60 and 600.", interval)
	}
	if err := flowlog.Check(in.LogFormat); err != nil {
		return to, errorf("InvalidParameter", "LogFormat: %s", err)
	}
	return to, nil
}

func (q *scope) makeFlowLog(in *ec2api.CreateFlowLogsRequest, to destination, id string, tags []state.Tag) (string, error) {
	var err error
	switch in.ResourceType {
	case "VPC":
		_, err = get(q, state.Vpcs, kindVpc, id)
	case "Subnet":
		_, err = get(q, state.Subnets, kindSubnet, id)
	default:
		_, err = get(q, state.NetworkInterfaces, kindInterface, id)
	}
	if err != nil {
		return "", err
	}
	f := &state.FlowLog{
		Account: q.account, Region: q.region, ID: ids.New("fl"), ResourceID: id, TrafficType: string(in.TrafficType), LogGroup: to.group, Bucket: to.bucket, Prefix: to.prefix,
		RoleARN: in.DeliverLogsPermissionArn, Format: in.LogFormat, Interval: 600, ClientToken: in.ClientToken, CreatedAt: q.now, Tags: tags,
	}
	if in.MaxAggregationInterval != nil {
		f.Interval = *in.MaxAggregationInterval
	}
	for other := range state.FlowLogs.All(q.tx, q.prefix()) {
		switch {
		case other.ResourceID != id:
		case in.ClientToken != "" && other.ClientToken == in.ClientToken:
			return other.ID, nil
		case other.TrafficType == f.TrafficType && (destination{other.LogGroup, other.Bucket, other.Prefix}) == to:
			return "", errorf("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
		}
	}
	state.FlowLogs.Put(q.tx, f)
	return f.ID, nil
}

// DescribeFlowLogs lists flow logs.
func (s *Service) DescribeFlowLogs(ctx context.Context, in *ec2api.DescribeFlowLogsRequest) (*ec2api.DescribeFlowLogsResult, error) {
	var out ec2api.DescribeFlowLogsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, flowLogResource, query{in.FlowLogIds, "flowLogIds", in.Filter, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.FlowLogs = each(found, func(f *state.FlowLog) ec2api.FlowLog {
			interval := f.Interval
			return ec2api.FlowLog{
				FlowLogId: f.ID, FlowLogStatus: "ACTIVE", ResourceId: f.ResourceID, TrafficType: ec2api.TrafficType(f.TrafficType), CreationTime: f.CreatedAt,
				LogGroupName: f.LogGroup, LogDestinationType: ec2api.LogDestinationType(destinationType(f)), LogDestination: destinationARN(f),
				DeliverLogsPermissionArn: f.RoleARN, DeliverLogsStatus: deliveryStatus(f), DeliverLogsErrorMessage: f.DeliveryError,
				LogFormat: cmp.Or(f.Format, flowlog.DefaultFormat), MaxAggregationInterval: &interval, Tags: apiTags(f.Tags),
			}
		})
		return err
	})
	return &out, err
}

// DeleteFlowLogs ends flow logs; what they wrote stays.
func (s *Service) DeleteFlowLogs(ctx context.Context, in *ec2api.DeleteFlowLogsRequest) (*ec2api.DeleteFlowLogsResult, error) {
	out := ec2api.DeleteFlowLogsResult{Unsuccessful: []ec2api.UnsuccessfulItem{}}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		for _, id := range in.FlowLogIds {
			if _, ok := state.FlowLogs.Get(q.tx, q.key(id)); !ok {
				return kindFlowLog.notFound(id)
			}
			state.FlowLogs.Delete(q.tx, q.key(id))
		}
		return nil
	})
	return &out, err
}
