package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// trail is AWS::CloudTrail::Trail.
type trail struct{}

var trailSchema = &Schema{
	Type: "AWS::CloudTrail::Trail",
	Properties: Properties{
		"TrailName": String.Replaces(), "S3BucketName": String.Required(), "S3KeyPrefix": String, "IsLogging": Boolean.Required(),
		"IncludeGlobalServiceEvents": Boolean, "IsMultiRegionTrail": Boolean, "Tags": Tags,
		"EventSelectors": ListOf(Object(Properties{
			"ReadWriteType": String, "IncludeManagementEvents": Boolean, "ExcludeManagementEventSources": ListOf(String),
			"DataResources": ListOf(Object(Properties{"Type": String.Required(), "Values": ListOf(String)})),
		})),
	},
	Attributes: []string{"Arn"},
	Name:       "TrailName",
}

// Schema is the type's schema.
func (trail) Schema() *Schema { return trailSchema }

func (r *Request) trails() cloudtrailapi.API { return cloudtrailapi.NewClient(r.Invoker) }

func trailTags(tags []state.Tag) []cloudtrailapi.Tag {
	var out []cloudtrailapi.Tag
	for _, t := range tags {
		out = append(out, cloudtrailapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// Create makes the trail, and has it deliver if it shall.
func (trail) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &cloudtrailapi.CreateTrailRequest{Name: r.Or("TrailName", r.Name(128)), TagsList: trailTags(r.allTags(r.Properties.Get("Tags")))}
		if err := bind(r.Properties, in, "TrailName", "IsLogging", "Tags", "EventSelectors"); err != nil {
			return Result{}, err
		}
		_, err := r.trails().CreateTrail(ctx, in)
		switch {
		case err == nil || r.Retry && isCode(err, "TrailAlreadyExistsException"):
		case isCode(err, "TrailAlreadyExistsException"):
			return Result{}, alreadyExists(r, "TrailName", in.Name)
		default:
			return Result{}, err
		}
		r.PhysicalID = in.Name
		if err := r.Created(in.Name); err != nil {
			return Result{}, err
		}
	}
	if err := r.trailSelectors(ctx); err != nil {
		return Result{}, err
	}
	return trailResult(r), r.trailLogging(ctx)
}

// trailSelectors puts the event selectors; a template that has them no more gets AWS's default.
func (r *Request) trailSelectors(ctx context.Context) error {
	selectors := r.Properties.Get("EventSelectors")
	in := &cloudtrailapi.PutEventSelectorsRequest{TrailName: r.PhysicalID, EventSelectors: []cloudtrailapi.EventSelector{{ReadWriteType: "All"}}}
	switch {
	case selectors == nil && !r.Changed("EventSelectors"):
		return nil
	case selectors != nil:
		in.EventSelectors = nil
		if err := bind((&template.Value{Kind: template.Map}).With("EventSelectors", selectors), in); err != nil {
			return err
		}
	}
	_, err := r.trails().PutEventSelectors(ctx, in)
	return err
}

func (r *Request) trailLogging(ctx context.Context) error {
	if r.Properties.Get("IsLogging").Str() == "true" {
		_, err := r.trails().StartLogging(ctx, &cloudtrailapi.StartLoggingRequest{Name: r.PhysicalID})
		return err
	}
	_, err := r.trails().StopLogging(ctx, &cloudtrailapi.StopLoggingRequest{Name: r.PhysicalID})
	return err
}

func trailResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", "arn:aws:cloudtrail:"+r.Region+":"+r.Account+":trail/"+r.PhysicalID)}
}

// Update changes everything but the name.
func (trail) Update(ctx context.Context, r *Request) (Result, error) {
	in := &cloudtrailapi.UpdateTrailRequest{Name: r.PhysicalID}
	if err := bind(r.Properties, in, "TrailName", "IsLogging", "Tags", "EventSelectors"); err != nil {
		return Result{}, err
	}
	if _, err := r.trails().UpdateTrail(ctx, in); err != nil {
		return Result{}, err
	}
	if err := r.trailSelectors(ctx); err != nil {
		return Result{}, err
	}
	result := trailResult(r)
	set, removed := r.tagChange()
	if set != nil {
		if _, err := r.trails().AddTags(ctx, &cloudtrailapi.AddTagsRequest{ResourceId: result.Attributes["Arn"].Text, TagsList: trailTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		tags := make([]cloudtrailapi.Tag, 0, len(removed))
		for _, key := range removed {
			tags = append(tags, cloudtrailapi.Tag{Key: key})
		}
		if _, err := r.trails().RemoveTags(ctx, &cloudtrailapi.RemoveTagsRequest{ResourceId: result.Attributes["Arn"].Text, TagsList: tags}); err != nil {
			return Result{}, err
		}
	}
	return result, r.trailLogging(ctx)
}

// Delete deletes the trail; its files stay.
func (trail) Delete(ctx context.Context, r *Request) error {
	_, err := r.trails().DeleteTrail(ctx, &cloudtrailapi.DeleteTrailRequest{Name: r.PhysicalID})
	return gone(err, "TrailNotFoundException")
}
