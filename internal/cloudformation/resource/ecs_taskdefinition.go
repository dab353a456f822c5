package resource

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// taskDefinition is AWS::ECS::TaskDefinition. Every change but that of tags is a
// new revision, and so a replacement.
type taskDefinition struct{}

var taskDefinitionSchema = func() *Schema {
	s := &Schema{Type: "AWS::ECS::TaskDefinition", Properties: Properties{}, Attributes: []string{"TaskDefinitionArn"}}
	for name, p := range Shape[ecsapi.RegisterTaskDefinitionRequest]().Fields {
		s.Properties[name] = p.Replaces()
	}
	family := s.Properties["Family"]
	family.required = false
	s.Properties["Family"] = family
	s.Properties["Tags"] = Tags
	return s
}()

// Schema is the type's schema.
func (taskDefinition) Schema() *Schema { return taskDefinitionSchema }

// Create registers a revision. An earlier attempt's is found by its tags: the
// newest revision of the family that carries this one's token.
func (taskDefinition) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		arn, err := taskDefinitionARN(ctx, r)
		if err != nil {
			return Result{}, err
		}
		if err := r.Created(arn); err != nil {
			return Result{}, err
		}
		r.PhysicalID = arn
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("TaskDefinitionArn", r.PhysicalID)}, nil
}

func taskDefinitionARN(ctx context.Context, r *Request) (string, error) {
	in := &ecsapi.RegisterTaskDefinitionRequest{Tags: ecsTags(r.allTags(r.Properties.Get("Tags")))}
	if err := bind(r.Properties, in, "Tags"); err != nil {
		return "", err
	}
	if in.Family == "" {
		in.Family = r.Name(255)
	}
	if r.Retry {
		found, err := registered(ctx, r, in.Family)
		if err != nil || found != "" {
			return found, err
		}
	}
	out, err := r.ecs().RegisterTaskDefinition(ctx, in)
	if err != nil {
		return "", err
	}
	return out.TaskDefinition.TaskDefinitionArn, nil
}

// registered returns the newest revision of a family when it is this resource's
// and not the one to be replaced.
func registered(ctx context.Context, r *Request, family string) (string, error) {
	out, err := r.ecs().DescribeTaskDefinition(ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: family, Include: []ecsapi.TaskDefinitionField{"TAGS"}})
	if err != nil {
		return "", gone(err, "ClientException")
	}
	has := func(key, value string) bool { return slices.Contains(out.Tags, ecsapi.Tag{Key: key, Value: value}) }
	arn := out.TaskDefinition.TaskDefinitionArn
	if arn == r.Replaces || !has(tagStackID, r.StackID) || !has(tagLogicalID, r.LogicalID) {
		return "", nil
	}
	return arn, nil
}

// Update changes tags.
func (taskDefinition) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("TaskDefinitionArn", r.PhysicalID)}, r.ecsRetag(ctx, r.PhysicalID)
}

// Delete deregisters the revision. One that is inactive already is no error for us.
func (taskDefinition) Delete(ctx context.Context, r *Request) error {
	out, err := r.ecs().DescribeTaskDefinition(ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: r.PhysicalID})
	if err != nil {
		return gone(err, "ClientException")
	}
	if out.TaskDefinition.Status == "INACTIVE" {
		return nil
	}
	_, err = r.ecs().DeregisterTaskDefinition(ctx, &ecsapi.DeregisterTaskDefinitionRequest{TaskDefinition: r.PhysicalID})
	return err
}
