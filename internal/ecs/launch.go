package ecs

import (
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/ecs/placement"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const platformVersion = "1.4.0"

// launchSpec checks what tasks are to be started with: capacity, platform,
// network, and that the task definition fits.
func (c scope) launchSpec(tx *store.Tx, cluster *state.Cluster, d *state.TaskDefinition, launchType ecsapi.LaunchType,
	items []ecsapi.CapacityProviderStrategyItem, version string, network *ecsapi.NetworkConfiguration) (state.LaunchSpec, error) {
	spec := state.LaunchSpec{TaskDefinition: d.ARN(), LaunchType: string(launchType), PlatformVersion: version}
	if launchType != "" && len(items) > 0 {
		return spec, invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	var err error
	if spec.Strategy, err = strategy(cluster.CapacityProviders, items); err != nil {
		return spec, err
	}
	if launchType == "" && len(items) == 0 {
		spec.Strategy = cluster.DefaultStrategy
	}
	switch {
	case launchType == ecsapi.LaunchTypeExternal, launchType == "MANAGED_INSTANCES":
		return spec, unsupported("launch type " + string(launchType))
	case launchType != ecsapi.LaunchTypeFargate && len(spec.Strategy) == 0:
		return spec, invalid("No Container Instances were found in your cluster.")
	case !slices.Contains(d.Compatibilities, "FARGATE"):
		return spec, invalid("Task definition does not support launch_type FARGATE.")
	}
	switch version {
	case "":
		spec.PlatformVersion = "LATEST"
	case "LATEST", platformVersion:
	default:
		return spec, &ecsapi.PlatformUnknownException{Message: "The specified platform does not exist. Neargate has the platform version " + platformVersion + "."}
	}
	spec.Network, err = c.network(tx, network)
	return spec, err
}

// newTasks makes the records of n tasks, spread over zones; placed are the
// subnets of tasks that belong with them. They are not stored yet.
func (s *Service) newTasks(tx *store.Tx, cluster *state.Cluster, d *state.TaskDefinition, spec state.LaunchSpec, placed []*state.Task, n int) ([]*state.Task, error) {
	c := scope{cluster.Account, cluster.Region}
	subnets, err := c.subnets(tx, spec.Network)
	if err != nil {
		return nil, err
	}
	var where, with []string
	for _, t := range placed {
		where, with = append(where, t.Subnet), append(with, t.CapacityProvider)
	}
	zones := map[string]string{}
	for _, sub := range subnets {
		zones[sub.ID] = sub.Zone
	}
	providers := placement.Providers(strategyItems(spec.Strategy), with, n)
	var out []*state.Task
	for i, subnet := range placement.Spread(subnets, where, n) {
		t := &state.Task{
			Account: c.Account, Region: c.Region, Cluster: cluster.Name, ID: ids.Hex(32), TaskDefinition: d.ARN(),
			Group: "family:" + d.Family, LaunchType: "FARGATE", CPU: d.CPU, Memory: d.Memory, EphemeralGiB: d.EphemeralGiB,
			TaskRoleARN: d.TaskRoleARN, ExecutionRoleARN: d.ExecutionRoleARN,
			Subnet: subnet, Zone: zones[subnet], SecurityGroups: spec.Network.SecurityGroups, AssignPublicIP: spec.Network.AssignPublicIP,
			LoadBalancers: spec.LoadBalancers, Registries: spec.Registries, CreatedAt: s.Now(), DesiredStatus: "RUNNING", LastStatus: state.TaskProvisioning, Version: 1, HealthStatus: "UNKNOWN",
			AssignIPv6: s.setting(tx, c, "", "dualStackIPv6") == "enabled",
			Interface:  state.TaskInterface{AttachmentID: ids.UUID(), Status: "PRECREATED"}, CredentialsID: ids.UUID(),
		}
		if len(providers) > 0 {
			t.CapacityProvider = providers[i]
		}
		if len(t.SecurityGroups) == 0 {
			t.SecurityGroups = c.defaultGroup(tx, subnet)
		}
		for _, def := range d.Containers {
			t.Containers = append(t.Containers, newContainer(def))
		}
		out = append(out, t)
	}
	return out, nil
}

func newContainer(def state.ContainerDefinition) state.Container {
	digits := func(p *int32) string {
		if p == nil {
			return ""
		}
		return strconv.Itoa(int(*p))
	}
	return state.Container{
		Name: def.Name, Image: def.Image, ID: ids.UUID(), LastStatus: "PENDING", HealthStatus: "UNKNOWN",
		CPU: strconv.Itoa(int(def.CPU)), Memory: digits(def.Memory), MemoryReservation: digits(def.MemoryReservation),
	}
}

func strategyItems(items []state.CapacityProviderItem) []placement.Provider {
	var out []placement.Provider
	for _, i := range items {
		out = append(out, placement.Provider{Name: i.CapacityProvider, Weight: int(i.Weight), Base: int(i.Base)})
	}
	return out
}
