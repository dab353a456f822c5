package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/state"
)

// logGroup is AWS::Logs::LogGroup.
type logGroup struct{}

var logGroupSchema = &Schema{
	Type: "AWS::Logs::LogGroup",
	Properties: Properties{
		"LogGroupName": String.Replaces(), "RetentionInDays": Integer, "LogGroupClass": String.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"Arn"},
	Name:       "LogGroupName",
}

// Schema is the type's schema.
func (logGroup) Schema() *Schema { return logGroupSchema }

func (r *Request) logs() logsapi.API { return logsapi.NewClient(r.Invoker) }

func tagMap(tags []state.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Create makes the log group.
func (logGroup) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		name := r.Or("LogGroupName", r.Name(512))
		err := r.logs().CreateLogGroup(ctx, &logsapi.CreateLogGroupRequest{
			LogGroupName: name, LogGroupClass: logsapi.LogGroupClass(r.Text("LogGroupClass")), Tags: tagMap(r.allTags(r.Properties.Get("Tags"))),
		})
		switch {
		case err == nil || r.Retry && isCode(err, "ResourceAlreadyExistsException"):
		case isCode(err, "ResourceAlreadyExistsException"):
			return Result{}, alreadyExists(r, "LogGroupName", name)
		default:
			return Result{}, err
		}
		r.PhysicalID = name
		if err := r.Created(name); err != nil {
			return Result{}, err
		}
	}
	if r.Properties.Get("RetentionInDays") != nil {
		if err := r.retention(ctx); err != nil {
			return Result{}, err
		}
	}
	return logGroupResult(r), nil
}

func (r *Request) retention(ctx context.Context) error {
	v := r.Properties.Get("RetentionInDays")
	if v == nil {
		return r.logs().DeleteRetentionPolicy(ctx, &logsapi.DeleteRetentionPolicyRequest{LogGroupName: r.PhysicalID})
	}
	days := port(v)
	return r.logs().PutRetentionPolicy(ctx, &logsapi.PutRetentionPolicyRequest{LogGroupName: r.PhysicalID, RetentionInDays: &days})
}

func logGroupResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", "arn:aws:logs:"+r.Region+":"+r.Account+":log-group:"+r.PhysicalID+":*")}
}

// Update changes retention and tags.
func (logGroup) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("RetentionInDays") {
		if err := r.retention(ctx); err != nil {
			return Result{}, err
		}
	}
	result := logGroupResult(r)
	arn := strings.TrimSuffix(result.Attributes["Arn"].Text, ":*")
	set, removed := r.tagChange()
	if set != nil {
		if err := r.logs().TagResource(ctx, &logsapi.TagResourceRequest{ResourceArn: arn, Tags: tagMap(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if err := r.logs().UntagResource(ctx, &logsapi.UntagResourceRequest{ResourceArn: arn, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return result, nil
}

// Delete deletes the log group with what is in it.
func (logGroup) Delete(ctx context.Context, r *Request) error {
	return gone(r.logs().DeleteLogGroup(ctx, &logsapi.DeleteLogGroupRequest{LogGroupName: r.PhysicalID}), "ResourceNotFoundException")
}
