package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// ecsCluster is AWS::ECS::Cluster.
type ecsCluster struct{}

var ecsClusterSchema = &Schema{
	Type: "AWS::ECS::Cluster",
	Properties: Properties{
		"ClusterName": String.Replaces(), "ClusterSettings": ListOf(Shape[ecsapi.ClusterSetting]()), "Configuration": Shape[ecsapi.ClusterConfiguration](),
		"CapacityProviders": Strings, "DefaultCapacityProviderStrategy": ListOf(Shape[ecsapi.CapacityProviderStrategyItem]()),
		"ServiceConnectDefaults": Shape[ecsapi.ClusterServiceConnectDefaultsRequest](), "Tags": Tags,
	},
	Attributes: []string{"Arn"},
	Name:       "ClusterName",
}

// Schema is the type's schema.
func (ecsCluster) Schema() *Schema { return ecsClusterSchema }

func (r *Request) ecs() ecsapi.API { return ecsapi.NewClient(r.Invoker) }

func ecsTags(tags []state.Tag) []ecsapi.Tag {
	var out []ecsapi.Tag
	for _, t := range tags {
		out = append(out, ecsapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// ecsRetag brings the tags of a resource up to date.
func (r *Request) ecsRetag(ctx context.Context, arn string) error {
	set, removed := r.tagChange()
	if set != nil {
		if _, err := r.ecs().TagResource(ctx, &ecsapi.TagResourceRequest{ResourceArn: arn, Tags: ecsTags(set)}); err != nil {
			return err
		}
	}
	if removed == nil {
		return nil
	}
	_, err := r.ecs().UntagResource(ctx, &ecsapi.UntagResourceRequest{ResourceArn: arn, TagKeys: removed})
	return err
}

// renamed returns the properties with one name changed to the API's.
func renamed(v *template.Value, from, to string) *template.Value {
	if item := v.Get(from); item != nil {
		return v.With(from, nil).With(to, item)
	}
	return v
}

// Create makes the cluster; making one of the same name twice is no error for ECS.
func (ecsCluster) Create(ctx context.Context, r *Request) (Result, error) {
	in := &ecsapi.CreateClusterRequest{Tags: ecsTags(r.allTags(r.Properties.Get("Tags")))}
	if err := bind(renamed(r.Properties, "ClusterSettings", "Settings"), in, "Tags"); err != nil {
		return Result{}, err
	}
	if in.ClusterName == "" {
		in.ClusterName = r.Name(255)
	}
	if r.PhysicalID == "" && !r.Retry {
		have, err := r.ecs().DescribeClusters(ctx, &ecsapi.DescribeClustersRequest{Clusters: []string{in.ClusterName}})
		if err != nil {
			return Result{}, err
		}
		if len(have.Clusters) > 0 && have.Clusters[0].Status == "ACTIVE" {
			return Result{}, alreadyExists(r, "ClusterName", in.ClusterName)
		}
	}
	out, err := r.ecs().CreateCluster(ctx, in)
	if err != nil {
		return Result{}, err
	}
	if r.PhysicalID == "" {
		if err := r.Created(in.ClusterName); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: in.ClusterName, Attributes: attributes("Arn", out.Cluster.ClusterArn)}, nil
}

// alreadyExists is the failure of a creation whose name is taken.
func alreadyExists(r *Request, property, name string) error {
	identifier := template.Object(template.Entry{Key: "/properties/" + property, Value: template.Text(name)})
	return &Failure{Code: "AlreadyExists", Message: "Resource of type '" + r.TypeName + "' with identifier '" + identifier.JSON() + "' already exists."}
}

// Update changes settings, capacity providers and tags.
func (ecsCluster) Update(ctx context.Context, r *Request) (Result, error) {
	in := &ecsapi.UpdateClusterRequest{Cluster: r.PhysicalID}
	if err := bind(renamed(r.Properties, "ClusterSettings", "Settings"), in, "Tags", "ClusterName", "CapacityProviders", "DefaultCapacityProviderStrategy"); err != nil {
		return Result{}, err
	}
	if r.Changed("ServiceConnectDefaults") && in.ServiceConnectDefaults == nil {
		in.ServiceConnectDefaults = &ecsapi.ClusterServiceConnectDefaultsRequest{} // taken away
	}
	out, err := r.ecs().UpdateCluster(ctx, in)
	if err != nil {
		return Result{}, err
	}
	if r.Changed("CapacityProviders") || r.Changed("DefaultCapacityProviderStrategy") {
		put := &ecsapi.PutClusterCapacityProvidersRequest{Cluster: r.PhysicalID, CapacityProviders: []string{}, DefaultCapacityProviderStrategy: []ecsapi.CapacityProviderStrategyItem{}}
		if err := bind(r.Properties, put, "Tags", "ClusterName", "ClusterSettings", "Configuration", "ServiceConnectDefaults"); err != nil {
			return Result{}, err
		}
		if _, err := r.ecs().PutClusterCapacityProviders(ctx, put); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.Cluster.ClusterArn)}, r.ecsRetag(ctx, out.Cluster.ClusterArn)
}

// Delete deletes the cluster.
func (ecsCluster) Delete(ctx context.Context, r *Request) error {
	_, err := r.ecs().DeleteCluster(ctx, &ecsapi.DeleteClusterRequest{Cluster: r.PhysicalID})
	return gone(err, "ClusterNotFoundException")
}
