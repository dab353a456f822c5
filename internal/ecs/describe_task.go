package ecs

import (
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// describeTask shows a task as the API does; tags only when asked for.
func describeTask(t *state.Task, tags bool) ecsapi.Task {
	storage := t.EphemeralGiB
	if storage == 0 {
		storage = 20
	}
	out := ecsapi.Task{
		TaskArn: t.ARN(), ClusterArn: state.ECSARN(t.Account, t.Region, "cluster/"+t.Cluster), TaskDefinitionArn: t.TaskDefinition,
		Attachments: []ecsapi.Attachment{describeInterface(t)}, Attributes: []ecsapi.Attribute{{Name: "ecs.cpu-architecture", Value: architecture}},
		AvailabilityZone: t.Zone, CapacityProviderName: t.CapacityProvider, LaunchType: ecsapi.LaunchType(t.LaunchType),
		Connectivity: ecsapi.Connectivity(t.Connectivity), ConnectivityAt: t.ConnectivityAt,
		Cpu: t.CPU, Memory: t.Memory, CreatedAt: t.CreatedAt, Group: t.Group, StartedBy: t.StartedBy,
		DesiredStatus: t.DesiredStatus, LastStatus: t.LastStatus, HealthStatus: ecsapi.HealthStatus(t.HealthStatus), Version: t.Version,
		PullStartedAt: t.PullStartedAt, PullStoppedAt: t.PullStoppedAt, StartedAt: t.StartedAt,
		StoppingAt: t.StoppingAt, ExecutionStoppedAt: t.ExecutionStoppedAt, StoppedAt: t.StoppedAt,
		StopCode: ecsapi.TaskStopCode(t.StopCode), StoppedReason: t.StoppedReason,
		InferenceAccelerators: []ecsapi.InferenceAccelerator{}, Overrides: describeOverrides(t),
		PlatformVersion: platformVersion, PlatformFamily: "Linux",
		EphemeralStorage: &ecsapi.EphemeralStorage{SizeInGiB: storage}, FargateEphemeralStorage: &ecsapi.TaskEphemeralStorage{SizeInGiB: storage},
		Containers: []ecsapi.Container{}, Tags: []ecsapi.Tag{},
	}
	for i := range t.Containers {
		out.Containers = append(out.Containers, describeContainer(t, &t.Containers[i]))
	}
	if t.Connect != nil {
		out.Attachments = append(out.Attachments, describeProxyAttachment(t))
		out.Containers = append(out.Containers, describeProxy(t))
	}
	if tags {
		out.Tags = fromTags(t.Tags)
	}
	return out
}

func describeInterface(t *state.Task) ecsapi.Attachment {
	out := ecsapi.Attachment{Id: t.Interface.AttachmentID, Type: "ElasticNetworkInterface", Status: t.Interface.Status}
	for _, d := range []ecsapi.KeyValuePair{
		{Name: "subnetId", Value: t.Subnet}, {Name: "networkInterfaceId", Value: t.Interface.ID}, {Name: "macAddress", Value: t.Interface.MAC},
		{Name: "privateDnsName", Value: t.Interface.PrivateDNS}, {Name: "privateIPv4Address", Value: t.Interface.PrivateIP},
	} {
		if d.Value != "" {
			out.Details = append(out.Details, d)
		}
	}
	return out
}

func describeContainer(t *state.Task, c *state.Container) ecsapi.Container {
	out := ecsapi.Container{
		ContainerArn: state.ECSARN(t.Account, t.Region, "container/"+t.Cluster+"/"+t.ID+"/"+c.ID), TaskArn: t.ARN(),
		Name: c.Name, Image: c.Image, ImageDigest: c.ImageDigest, RuntimeId: c.RuntimeID, LastStatus: c.LastStatus,
		ExitCode: c.ExitCode, Reason: c.Reason, HealthStatus: ecsapi.HealthStatus(c.HealthStatus),
		Cpu: c.CPU, Memory: c.Memory, MemoryReservation: c.MemoryReservation,
		NetworkBindings: []ecsapi.NetworkBinding{}, NetworkInterfaces: []ecsapi.NetworkInterface{},
	}
	if t.Interface.PrivateIP != "" {
		out.NetworkInterfaces = append(out.NetworkInterfaces, ecsapi.NetworkInterface{AttachmentId: t.Interface.AttachmentID, PrivateIpv4Address: t.Interface.PrivateIP, Ipv6Address: t.Interface.IPv6})
	}
	return out
}

// describeOverrides shows the overrides: there is an entry for each container
// even when nothing is overridden.
func describeOverrides(t *state.Task) *ecsapi.TaskOverride {
	o := t.Overrides
	out := &ecsapi.TaskOverride{
		Cpu: o.CPU, Memory: o.Memory, TaskRoleArn: o.TaskRoleARN, ExecutionRoleArn: o.ExecutionRoleARN,
		ContainerOverrides: []ecsapi.ContainerOverride{}, InferenceAcceleratorOverrides: []ecsapi.InferenceAcceleratorOverride{},
	}
	if o.EphemeralGiB > 0 {
		out.EphemeralStorage = &ecsapi.EphemeralStorage{SizeInGiB: o.EphemeralGiB}
	}
	for _, c := range t.Containers {
		co := ecsapi.ContainerOverride{Name: c.Name}
		for _, have := range o.Containers {
			if have.Name != c.Name {
				continue
			}
			co.Command, co.Cpu, co.Memory, co.MemoryReservation = have.Command, have.CPU, have.Memory, have.MemoryReservation
			for _, e := range have.Environment {
				co.Environment = append(co.Environment, ecsapi.KeyValuePair{Name: e.Name, Value: e.Value})
			}
			for _, f := range have.EnvironmentFiles {
				co.EnvironmentFiles = append(co.EnvironmentFiles, ecsapi.EnvironmentFile{Value: f, Type: ecsapi.EnvironmentFileTypeS3})
			}
		}
		out.ContainerOverrides = append(out.ContainerOverrides, co)
	}
	return out
}
