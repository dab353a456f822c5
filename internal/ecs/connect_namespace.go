package ecs

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CloudMap makes what Service Connect needs in AWS Cloud Map, called as ECS's own
// principal. All may be repeated; what is there already is success.
type CloudMap interface {
	// CreateNamespace makes a namespace of type HTTP and returns when it is there.
	CreateNamespace(ctx context.Context, account, region, name string) error
	CreateService(ctx context.Context, account, region, namespaceID, name string) error
	DeleteService(ctx context.Context, account, region, id string) error
}

func namespaceNotFound() error {
	return &ecsapi.NamespaceNotFoundException{Message: "The specified namespace wasn't found."}
}

// namespace finds a namespace of Cloud Map by name or ARN; nil when there is none.
func (c scope) namespace(tx *store.Tx, ref string) *state.Namespace {
	if a, err := arn.Parse(ref); err == nil {
		if a.Service != "servicediscovery" || a.Type() != "namespace" || a.Account != c.Account || a.Region != c.Region {
			return nil
		}
		ns, _ := state.Namespaces.Get(tx, c.key(a.ID()))
		return ns
	}
	for ns := range state.Namespaces.By(tx, "name", c.key(ref)) {
		return ns
	}
	return nil
}

// defaultNamespace is the ARN of the namespace that a cluster is to have as its
// default, which is made when it is not there.
func (s *Service) defaultNamespace(ctx context.Context, c scope, in *ecsapi.ClusterServiceConnectDefaultsRequest) (string, error) {
	if in == nil || in.Namespace == "" {
		return "", nil
	}
	if ns := c.namespace(s.DB.Read(), in.Namespace); ns != nil {
		return ns.ARN(), nil
	}
	if strings.HasPrefix(in.Namespace, "arn:") || s.CloudMap == nil {
		return "", namespaceNotFound()
	}
	if len(in.Namespace) > 1024 || strings.ContainsAny(in.Namespace, `<>"/`) {
		return "", invalid("Invalid namespace name: %s", in.Namespace)
	}
	if err := s.linkedRole(ctx, c.Account); err != nil {
		return "", err
	}
	if err := s.CloudMap.CreateNamespace(ctx, c.Account, c.Region, in.Namespace); err != nil {
		return "", invalid("The namespace %s could not be created: %s", in.Namespace, message(err))
	}
	ns := c.namespace(s.DB.Read(), in.Namespace)
	if ns == nil {
		return "", namespaceNotFound()
	}
	return ns.ARN(), nil
}

// makeDiscovery makes the services of Cloud Map that a service's tasks will be found in.
func (s *Service) makeDiscovery(ctx context.Context, svc *state.Service) error {
	if svc.Connect == nil || svc.Status != "ACTIVE" || s.CloudMap == nil {
		return nil
	}
	ns := state.Key(svc.Account, svc.Region, svc.Connect.NamespaceID)
	for _, one := range svc.Connect.Services {
		if state.ConnectDiscovery(s.DB.Read(), ns, one.Discovery()) != nil {
			continue
		}
		if err := s.CloudMap.CreateService(ctx, svc.Account, svc.Region, svc.Connect.NamespaceID, one.Discovery()); err != nil {
			return err
		}
	}
	return nil
}

// removeDiscovery deletes the services of Cloud Map that were made for a service
// that is being deleted, once it has no tasks. Cloud Map keeps those that somebody uses.
func (s *Service) removeDiscovery(ctx context.Context, svc *state.Service) error {
	if svc.Connect == nil || svc.Status != "DRAINING" || s.CloudMap == nil {
		return nil
	}
	tx := s.DB.Read()
	for t := range state.Tasks.By(tx, "service", svc.Key()) {
		if t.LastStatus != state.TaskStopped {
			return nil
		}
	}
	for _, one := range svc.Connect.Services {
		d := state.ConnectDiscovery(tx, state.Key(svc.Account, svc.Region, svc.Connect.NamespaceID), one.Discovery())
		if d == nil || state.TagMap(d.Tags)["AmazonECSManaged"] == "" {
			continue
		}
		err := s.CloudMap.DeleteService(ctx, svc.Account, svc.Region, d.ID)
		if _, answered := err.(interface{ ErrorCode() string }); err != nil && !answered {
			return err
		}
	}
	return nil
}

// ListServicesByNamespace lists the ARNs of the services in a namespace, of all clusters.
func (s *Service) ListServicesByNamespace(ctx context.Context, in *ecsapi.ListServicesByNamespaceRequest) (*ecsapi.ListServicesByNamespaceResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	ns := c.namespace(tx, in.Namespace)
	if ns == nil {
		return nil, namespaceNotFound()
	}
	var arns []string
	for svc := range state.Services.All(tx, c.prefix()) {
		if svc.Status != "INACTIVE" && svc.Connect != nil && svc.Connect.NamespaceID == ns.ID {
			arns = append(arns, svc.ARN())
		}
	}
	arns, next, err := page(arns, in.NextToken, in.MaxResults, 10, 100, false)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListServicesByNamespaceResponse{ServiceArns: arns, NextToken: next}, nil
}

// namespaceARN is the value of the condition key ecs:namespace.
func (s *Service) namespaceARN(id caller.Identity, ref string) string {
	if ns := (scope{id.Account, id.Region}).namespace(s.DB.Read(), ref); ns != nil {
		return ns.ARN()
	}
	return ref
}

// connectNamespaceARN is that of the namespace of a service's configuration; "" without.
func (s *Service) connectNamespaceARN(id caller.Identity, cluster string, in *ecsapi.ServiceConnectConfiguration) string {
	if in == nil || !in.Enabled {
		return ""
	}
	if in.Namespace != "" {
		return s.namespaceARN(id, in.Namespace)
	}
	have, err := (scope{id.Account, id.Region}).cluster(s.DB.Read(), cluster)
	if err != nil {
		return ""
	}
	return have.ConnectNamespace
}
