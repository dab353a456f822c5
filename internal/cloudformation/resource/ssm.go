package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/state"
)

// parameter is AWS::SSM::Parameter.
type parameter struct{}

var parameterSchema = &Schema{
	Type: "AWS::SSM::Parameter",
	Properties: Properties{
		"Name": String.Replaces(), "Type": String.Required(), "Value": String.Required(), "Description": String,
		"AllowedPattern": String, "Tier": String, "DataType": String, "Tags": MapOf(String),
	},
	Attributes: []string{"Type", "Value"},
	Name:       "Name",
}

// Schema is the type's schema.
func (parameter) Schema() *Schema { return parameterSchema }

func (r *Request) ssm() ssmapi.API { return ssmapi.NewClient(r.Invoker) }

// parameterTags are the tags of the stack and the map of the property.
func (r *Request) parameterTags() []state.Tag {
	tags := append([]state.Tag(nil), r.Tags...)
	if own := r.Properties.Get("Tags"); own != nil {
		for _, e := range own.Entries {
			tags = append(tags, state.Tag{Key: e.Key, Value: e.Value.Str()})
		}
	}
	return tags
}

func ssmTags(tags []state.Tag) []ssmapi.Tag {
	var out []ssmapi.Tag
	for _, t := range tags {
		out = append(out, ssmapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// Create stores the parameter; CloudFormation names it CFN-LogicalId-RANDOM.
func (parameter) Create(ctx context.Context, r *Request) (Result, error) {
	if r.Text("Type") == "SecureString" {
		return Result{}, &Failure{Code: "InvalidRequest", Message: "Parameters of type SecureString are not supported by AWS::SSM::Parameter"}
	}
	if r.PhysicalID == "" {
		in := &ssmapi.PutParameterRequest{Tags: ssmTags(r.parameterTags()), Overwrite: &r.Retry}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return Result{}, err
		}
		if in.Name == "" {
			in.Name = "CFN-" + r.LogicalID + "-" + r.Token
		}
		if r.Retry {
			in.Tags = nil // not allowed with Overwrite
		}
		if _, err := r.ssm().PutParameter(ctx, in); err != nil {
			return Result{}, err
		}
		r.PhysicalID = in.Name
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.parameterResult(), nil
}

func (r *Request) parameterResult() Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Type", r.Text("Type"), "Value", r.Text("Value"))}
}

// Update stores a new version and adds tags.
func (parameter) Update(ctx context.Context, r *Request) (Result, error) {
	yes := true
	in := &ssmapi.PutParameterRequest{Name: r.PhysicalID, Overwrite: &yes}
	if err := bind(r.Properties, in, "Tags", "Name"); err != nil {
		return Result{}, err
	}
	if _, err := r.ssm().PutParameter(ctx, in); err != nil {
		return Result{}, err
	}
	wanted := r.parameterTags()
	if len(wanted) > 0 {
		if _, err := r.ssm().AddTagsToResource(ctx, &ssmapi.AddTagsToResourceRequest{ResourceType: "Parameter", ResourceId: r.PhysicalID, Tags: ssmTags(wanted)}); err != nil {
			return Result{}, err
		}
	}
	var removed []string
	if had := r.Previous.Get("Tags"); had != nil {
		removed = difference(had.Keys(), r.Properties.Get("Tags").Keys())
	}
	if removed != nil {
		if _, err := r.ssm().RemoveTagsFromResource(ctx, &ssmapi.RemoveTagsFromResourceRequest{ResourceType: "Parameter", ResourceId: r.PhysicalID, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return r.parameterResult(), nil
}

// Delete deletes the parameter.
func (parameter) Delete(ctx context.Context, r *Request) error {
	_, err := r.ssm().DeleteParameter(ctx, &ssmapi.DeleteParameterRequest{Name: r.PhysicalID})
	return gone(err, "ParameterNotFound")
}
