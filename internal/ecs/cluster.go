package ecs

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateCluster makes a cluster, or returns the one of that name.
func (s *Service) CreateCluster(ctx context.Context, in *ecsapi.CreateClusterRequest) (*ecsapi.CreateClusterResponse, error) {
	c := scopeOf(ctx)
	name, err := c.clusterName(in.ClusterName)
	if err != nil {
		return nil, err
	}
	if in.Configuration != nil {
		return nil, unsupported("cluster configuration")
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	if err := s.linkedRole(ctx, c.Account); err != nil {
		return nil, err
	}
	namespace, err := s.defaultNamespace(ctx, c, in.ServiceConnectDefaults)
	if err != nil {
		return nil, err
	}
	var out *ecsapi.Cluster
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		cluster, ok := state.Clusters.Get(tx, c.key(name))
		if !ok || cluster.Status != "ACTIVE" {
			cluster = &state.Cluster{Account: c.Account, Region: c.Region, Name: name, Status: "ACTIVE", CreatedAt: s.Now(), Tags: toTags(in.Tags), ConnectNamespace: namespace}
			if err := setSettings(cluster, in.Settings, s.setting(tx, c, "", "containerInsights")); err != nil {
				return err
			}
			if err := setCapacity(cluster, in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
				return err
			}
			state.Clusters.Put(tx, cluster)
		}
		out = describeCluster(tx, cluster, []ecsapi.ClusterField{"SETTINGS", "TAGS"})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.CreateClusterResponse{Cluster: out}, nil
}

// setSettings puts settings over those of the cluster; containerInsights is
// always there.
func setSettings(cluster *state.Cluster, settings []ecsapi.ClusterSetting, insights string) error {
	value := insights
	for _, have := range cluster.Settings {
		value = have.Value
	}
	for _, set := range settings {
		switch {
		case set.Name != ecsapi.ClusterSettingNameContainerInsights:
			return unsupported("cluster setting " + string(set.Name))
		case !slices.Contains([]string{"enabled", "disabled", "enhanced"}, set.Value):
			return invalid("Invalid value for setting containerInsights: %s", set.Value)
		}
		value = set.Value
	}
	cluster.Settings = []state.ClusterSetting{{Name: "containerInsights", Value: value}}
	return nil
}

// DescribeClusters describes clusters, the default one when none is named.
func (s *Service) DescribeClusters(ctx context.Context, in *ecsapi.DescribeClustersRequest) (*ecsapi.DescribeClustersResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{defaultCluster}
	}
	if len(refs) > 100 {
		return nil, invalid("clusters can have at most 100 items.")
	}
	out := &ecsapi.DescribeClustersResponse{Clusters: []ecsapi.Cluster{}, Failures: []ecsapi.Failure{}}
	for _, ref := range refs {
		name, err := c.clusterName(ref)
		if _, foreign := err.(*ecsapi.ClusterNotFoundException); err != nil && !foreign {
			return nil, err
		}
		if cluster, ok := state.Clusters.Get(tx, c.key(name)); ok && err == nil {
			out.Clusters = append(out.Clusters, *describeCluster(tx, cluster, in.Include))
			continue
		}
		missing := ref
		if err == nil {
			missing = state.ECSARN(c.Account, c.Region, "cluster/"+name)
		}
		out.Failures = append(out.Failures, ecsapi.Failure{Arn: missing, Reason: "MISSING"})
	}
	return out, nil
}

// describeCluster shows a cluster with the counts of its tasks and services.
func describeCluster(tx *store.Tx, cluster *state.Cluster, include []ecsapi.ClusterField) *ecsapi.Cluster {
	out := &ecsapi.Cluster{
		ClusterArn: cluster.ARN(), ClusterName: cluster.Name, Status: cluster.Status,
		Statistics: []ecsapi.KeyValuePair{}, Tags: []ecsapi.Tag{}, Settings: []ecsapi.ClusterSetting{},
		CapacityProviders:               append([]string{}, cluster.CapacityProviders...),
		DefaultCapacityProviderStrategy: describeStrategy(cluster.DefaultStrategy),
	}
	if cluster.ConnectNamespace != "" {
		out.ServiceConnectDefaults = &ecsapi.ClusterServiceConnectDefaults{Namespace: cluster.ConnectNamespace}
	}
	prefix := state.Key(cluster.Account, cluster.Region, cluster.Name+"/")
	running, pending := map[string]int{}, map[string]int{}
	for t := range state.Tasks.All(tx, prefix) {
		switch t.LastStatus {
		case state.TaskRunning:
			running[t.LaunchType]++
			out.RunningTasksCount++
		case state.TaskProvisioning, state.TaskPending, state.TaskActivating:
			pending[t.LaunchType]++
			out.PendingTasksCount++
		}
	}
	active, draining := map[string]int{}, map[string]int{}
	for svc := range state.Services.All(tx, prefix) {
		switch svc.Status {
		case "ACTIVE":
			active["FARGATE"]++
			out.ActiveServicesCount++
		case "DRAINING":
			draining["FARGATE"]++
		}
	}
	if slices.Contains(include, "SETTINGS") {
		for _, set := range cluster.Settings {
			out.Settings = append(out.Settings, ecsapi.ClusterSetting{Name: ecsapi.ClusterSettingName(set.Name), Value: set.Value})
		}
	}
	if slices.Contains(include, "TAGS") {
		out.Tags = fromTags(cluster.Tags)
	}
	if slices.Contains(include, "STATISTICS") {
		out.Statistics = statistics(running, pending, active, draining)
	}
	return out
}

// DeleteCluster deletes a cluster that has neither services nor tasks.
func (s *Service) DeleteCluster(ctx context.Context, in *ecsapi.DeleteClusterRequest) (*ecsapi.DeleteClusterResponse, error) {
	c := scopeOf(ctx)
	if in.Cluster == "" {
		return nil, invalid("Cluster should not be null or empty.")
	}
	var out *ecsapi.Cluster
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		cluster, err := c.cluster(tx, in.Cluster)
		if err != nil {
			return err
		}
		prefix := c.key(cluster.Name + "/")
		for svc := range state.Services.All(tx, prefix) {
			if svc.Status == "ACTIVE" {
				return &ecsapi.ClusterContainsServicesException{Message: "The Cluster cannot be deleted while Services are active."}
			}
		}
		for t := range state.Tasks.All(tx, prefix) {
			if t.LastStatus != state.TaskStopped {
				return &ecsapi.ClusterContainsTasksException{Message: "The Cluster cannot be deleted while Tasks are active."}
			}
		}
		state.Clusters.Update(tx, c.key(cluster.Name), func(r *state.Cluster) { r.Status, r.DeletedAt = "INACTIVE", s.Now() })
		cluster, _ = state.Clusters.Get(tx, c.key(cluster.Name))
		out = describeCluster(tx, cluster, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.DeleteClusterResponse{Cluster: out}, nil
}

// ListClusters lists the ARNs of the ACTIVE clusters.
func (s *Service) ListClusters(ctx context.Context, in *ecsapi.ListClustersRequest) (*ecsapi.ListClustersResponse, error) {
	var arns []string
	for cluster := range state.Clusters.All(s.DB.Read(), scopeOf(ctx).prefix()) {
		if cluster.Status == "ACTIVE" {
			arns = append(arns, cluster.ARN())
		}
	}
	arns, next, err := page(arns, in.NextToken, in.MaxResults, 100, 100, false)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListClustersResponse{ClusterArns: arns, NextToken: next}, nil
}

// UpdateCluster changes the settings of a cluster and its default namespace of
// Service Connect, which an empty name takes away.
func (s *Service) UpdateCluster(ctx context.Context, in *ecsapi.UpdateClusterRequest) (*ecsapi.UpdateClusterResponse, error) {
	if in.Configuration != nil {
		return nil, unsupported("cluster configuration")
	}
	c := scopeOf(ctx)
	if _, err := c.cluster(s.DB.Read(), in.Cluster); err != nil {
		return nil, err
	}
	namespace, err := s.defaultNamespace(ctx, c, in.ServiceConnectDefaults)
	if err != nil {
		return nil, err
	}
	out, err := s.changeCluster(ctx, in.Cluster, func(_ *store.Tx, r *state.Cluster) error {
		if in.ServiceConnectDefaults != nil {
			r.ConnectNamespace = namespace
		}
		return setSettings(r, in.Settings, "disabled")
	})
	return &ecsapi.UpdateClusterResponse{Cluster: out}, err
}

// UpdateClusterSettings changes the settings of a cluster.
func (s *Service) UpdateClusterSettings(ctx context.Context, in *ecsapi.UpdateClusterSettingsRequest) (*ecsapi.UpdateClusterSettingsResponse, error) {
	out, err := s.changeCluster(ctx, in.Cluster, func(_ *store.Tx, r *state.Cluster) error {
		return setSettings(r, in.Settings, "disabled")
	})
	return &ecsapi.UpdateClusterSettingsResponse{Cluster: out}, err
}

// changeCluster applies change to a copy of the cluster and stores it.
func (s *Service) changeCluster(ctx context.Context, ref string, change func(*store.Tx, *state.Cluster) error) (*ecsapi.Cluster, error) {
	var out *ecsapi.Cluster
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := scopeOf(ctx).cluster(tx, ref)
		if err != nil {
			return err
		}
		changed := *have
		if err := change(tx, &changed); err != nil {
			return err
		}
		state.Clusters.Put(tx, &changed)
		out = describeCluster(tx, &changed, []ecsapi.ClusterField{"SETTINGS", "TAGS"})
		return nil
	})
	return out, err
}
