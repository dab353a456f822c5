package taskdef

import (
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// Describe is the task definition as the API shows it.
func Describe(d *state.TaskDefinition) *ecsapi.TaskDefinition {
	out := &ecsapi.TaskDefinition{
		TaskDefinitionArn: d.ARN(), Family: d.Family, Revision: int32(d.Revision), Status: ecsapi.TaskDefinitionStatus(d.Status),
		TaskRoleArn: d.TaskRoleARN, ExecutionRoleArn: d.ExecutionRoleARN, NetworkMode: ecsapi.NetworkMode(d.NetworkMode),
		Cpu: d.CPU, Memory: d.Memory, PidMode: ecsapi.PidMode(d.PIDMode), EnableFaultInjection: d.EnableFaultInjection,
		RegisteredAt: d.RegisteredAt, RegisteredBy: d.RegisteredBy, DeregisteredAt: d.DeregisteredAt, DeleteRequestedAt: d.DeleteRequestedAt,
		PlacementConstraints:    []ecsapi.TaskDefinitionPlacementConstraint{},
		ContainerDefinitions:    each(d.Containers, describeContainer, true),
		Compatibilities:         each(d.Compatibilities, func(s string) ecsapi.Compatibility { return ecsapi.Compatibility(s) }, true),
		RequiresCompatibilities: each(d.RequiresCompatibilities, func(s string) ecsapi.Compatibility { return ecsapi.Compatibility(s) }, false),
		RequiresAttributes:      each(d.RequiresAttributes, func(s string) ecsapi.Attribute { return ecsapi.Attribute{Name: s} }, false),
		Volumes: each(d.Volumes, func(name string) ecsapi.Volume {
			return ecsapi.Volume{Name: name, Host: &ecsapi.HostVolumeProperties{}}
		}, true),
	}
	if d.EphemeralGiB > 0 {
		out.EphemeralStorage = &ecsapi.EphemeralStorage{SizeInGiB: d.EphemeralGiB}
	}
	if d.Platform != nil {
		out.RuntimePlatform = &ecsapi.RuntimePlatform{CpuArchitecture: ecsapi.CPUArchitecture(d.Platform.CPUArchitecture), OperatingSystemFamily: ecsapi.OSFamily(d.Platform.OSFamily)}
	}
	return out
}

func describeContainer(c state.ContainerDefinition) ecsapi.ContainerDefinition {
	essential := c.Essential
	out := ecsapi.ContainerDefinition{
		Name: c.Name, Image: c.Image, Cpu: c.CPU, Memory: c.Memory, MemoryReservation: c.MemoryReservation, Essential: &essential,
		EntryPoint: c.EntryPoint, Command: c.Command,
		Environment: each(c.Environment, func(v state.NameValue) ecsapi.KeyValuePair {
			return ecsapi.KeyValuePair{Name: v.Name, Value: v.Value}
		}, true),
		PortMappings: each(c.PortMappings, func(p state.PortMapping) ecsapi.PortMapping {
			return ecsapi.PortMapping{ContainerPort: p.ContainerPort, HostPort: p.HostPort, Protocol: ecsapi.TransportProtocol(p.Protocol), Name: p.Name, AppProtocol: ecsapi.ApplicationProtocol(p.AppProtocol), ContainerPortRange: p.ContainerPortRange}
		}, true),
		MountPoints: each(c.MountPoints, func(m state.MountPoint) ecsapi.MountPoint {
			return ecsapi.MountPoint{SourceVolume: m.SourceVolume, ContainerPath: m.ContainerPath, ReadOnly: m.ReadOnly}
		}, true),
		VolumesFrom: each(c.VolumesFrom, func(v state.VolumeFrom) ecsapi.VolumeFrom {
			return ecsapi.VolumeFrom{SourceContainer: v.SourceContainer, ReadOnly: v.ReadOnly}
		}, true),
		SystemControls: each(c.SystemControls, func(s state.NameValue) ecsapi.SystemControl {
			return ecsapi.SystemControl{Namespace: s.Name, Value: s.Value}
		}, true),
		Secrets: each(c.Secrets, func(s state.NameValue) ecsapi.Secret { return ecsapi.Secret{Name: s.Name, ValueFrom: s.Value} }, false),
		DependsOn: each(c.DependsOn, func(x state.Dependency) ecsapi.ContainerDependency {
			return ecsapi.ContainerDependency{ContainerName: x.ContainerName, Condition: ecsapi.ContainerCondition(x.Condition)}
		}, false),
		Ulimits: each(c.Ulimits, func(u state.Ulimit) ecsapi.Ulimit {
			return ecsapi.Ulimit{Name: ecsapi.UlimitName(u.Name), SoftLimit: u.Soft, HardLimit: u.Hard}
		}, false),
		StartTimeout: c.StartTimeout, StopTimeout: c.StopTimeout, VersionConsistency: ecsapi.VersionConsistency(c.VersionConsistency),
		User: c.User, WorkingDirectory: c.WorkingDirectory, ReadonlyRootFilesystem: c.ReadonlyRootFilesystem,
		Privileged: c.Privileged, Interactive: c.Interactive, PseudoTerminal: c.PseudoTerminal, DockerLabels: c.DockerLabels,
	}
	out.EnvironmentFiles = each(c.EnvironmentFiles, func(f string) ecsapi.EnvironmentFile {
		return ecsapi.EnvironmentFile{Value: f, Type: ecsapi.EnvironmentFileTypeS3}
	}, false)
	if c.CredentialsParameter != "" {
		out.RepositoryCredentials = &ecsapi.RepositoryCredentials{CredentialsParameter: c.CredentialsParameter}
	}
	if r := c.Restart; r != nil {
		out.RestartPolicy = &ecsapi.ContainerRestartPolicy{Enabled: r.Enabled, IgnoredExitCodes: r.IgnoredExitCodes, RestartAttemptPeriod: r.AttemptPeriod}
	}
	if l := c.Log; l != nil {
		out.LogConfiguration = &ecsapi.LogConfiguration{LogDriver: ecsapi.LogDriver(l.Driver), Options: l.Options}
	}
	if h := c.HealthCheck; h != nil {
		out.HealthCheck = &ecsapi.HealthCheck{Command: h.Command, Interval: &h.Interval, Timeout: &h.Timeout, Retries: &h.Retries, StartPeriod: h.StartPeriod}
	}
	if l := c.Linux; l != nil {
		out.LinuxParameters = &ecsapi.LinuxParameters{InitProcessEnabled: l.Init, Tmpfs: each(l.Tmpfs, func(t state.Tmpfs) ecsapi.Tmpfs {
			return ecsapi.Tmpfs{ContainerPath: t.ContainerPath, Size: t.Size, MountOptions: t.MountOptions}
		}, false)}
		if l.HasCapabilities {
			out.LinuxParameters.Capabilities = &ecsapi.KernelCapabilities{Add: l.CapAdd, Drop: l.CapDrop}
		}
	}
	return out
}
