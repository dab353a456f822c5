package resource

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// flowLog is AWS::EC2::FlowLog.
type flowLog struct{}

var flowLogSchema = &Schema{
	Type: "AWS::EC2::FlowLog",
	Properties: Properties{
		"ResourceId": String.Required().Replaces(), "ResourceType": String.Required().Replaces(), "TrafficType": String.Replaces(), "LogGroupName": String.Replaces(),
		"LogDestination": String.Replaces(), "LogDestinationType": String.Replaces(), "DeliverLogsPermissionArn": String.Replaces(), "LogFormat": String.Replaces(),
		"MaxAggregationInterval": Integer.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (flowLog) Schema() *Schema { return flowLogSchema }

// Create makes the flow log.
func (flowLog) Create(ctx context.Context, r *Request) (Result, error) {
	id := r.PhysicalID
	if id == "" {
		in := &ec2api.CreateFlowLogsRequest{ClientToken: r.Token, ResourceIds: []string{r.Text("ResourceId")}, TagSpecifications: r.ec2Tags("vpc-flow-log")}
		if err := bind(r.Properties, in, "Tags", "ResourceId"); err != nil {
			return Result{}, err
		}
		out, err := r.ec2().CreateFlowLogs(ctx, in)
		if err != nil {
			return Result{}, err
		}
		if len(out.FlowLogIds) == 0 {
			return Result{}, errors.New(out.Unsuccessful[0].Error.Message)
		}
		id = out.FlowLogIds[0]
	}
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, r.Created(id)
}

// Update changes tags.
func (flowLog) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete ends the flow log.
func (flowLog) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteFlowLogs(ctx, &ec2api.DeleteFlowLogsRequest{FlowLogIds: []string{r.PhysicalID}})
	return gone(err, "InvalidFlowLogId.NotFound")
}
