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

// Create registers a revision. One that an earlier attempt registered is the
// newest of its family, has the same containers and belongs to no other resource.
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
		found, err := registered(ctx, r, in)
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

// registered returns the newest revision of the family when an earlier attempt
// must have made it.
func registered(ctx context.Context, r *Request, in *ecsapi.RegisterTaskDefinitionRequest) (string, error) {
	out, err := r.ecs().DescribeTaskDefinition(ctx, &ecsapi.DescribeTaskDefinitionRequest{TaskDefinition: in.Family})
	if err != nil {
		return "", gone(err, "ClientException")
	}
	d := out.TaskDefinition
	taken := func(p Peer) bool { return p.PhysicalID == d.TaskDefinitionArn }
	same := func(a, b ecsapi.ContainerDefinition) bool { return a.Name == b.Name && a.Image == b.Image }
	if d.TaskDefinitionArn == r.Replaces || slices.ContainsFunc(r.Peers(), taken) || !slices.EqualFunc(d.ContainerDefinitions, in.ContainerDefinitions, same) {
		return "", nil
	}
	return d.TaskDefinitionArn, nil
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
