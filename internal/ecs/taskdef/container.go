package taskdef

import (
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

func buildContainers(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	for _, c := range in.ContainerDefinitions {
		if err := refuseContainer(d, c); err != nil {
			return err
		}
		d.Containers = append(d.Containers, container(d, c))
	}
	return nil
}

// refuseContainer refuses properties of a container that are not carried out.
func refuseContainer(d *state.TaskDefinition, c ecsapi.ContainerDefinition) error {
	refuse := unsupported
	if fargate(d) {
		refuse = notOnFargate
	}
	linux := c.LinuxParameters
	if linux == nil {
		linux = &ecsapi.LinuxParameters{}
	}
	for _, p := range []struct {
		set   bool
		error func(string) error
		name  string
	}{
		{len(c.Links) > 0, refuse, "links"},
		{c.Hostname != "", refuse, "hostname"},
		{len(c.DnsServers) > 0, refuse, "dnsServers"},
		{len(c.DnsSearchDomains) > 0, refuse, "dnsSearchDomains"},
		{len(c.ExtraHosts) > 0, refuse, "extraHosts"},
		{c.DisableNetworking != nil && *c.DisableNetworking, refuse, "disableNetworking"},
		{c.Privileged != nil && *c.Privileged, refuse, "privileged"},
		{len(c.DockerSecurityOptions) > 0, refuse, "dockerSecurityOptions"},
		{len(c.ResourceRequirements) > 0, refuse, "resourceRequirements"},
		{len(linux.Devices) > 0, refuse, "devices"},
		{linux.SharedMemorySize != nil, refuse, "sharedMemorySize"},
		{linux.MaxSwap != nil, refuse, "maxSwap"},
		{linux.Swappiness != nil, refuse, "swappiness"},
		{c.Interactive != nil && *c.Interactive, unsupported, "interactive"},
		{c.FirelensConfiguration != nil, unsupported, "firelensConfiguration"},
		{len(c.CredentialSpecs) > 0, unsupported, "credentialSpecs"},
		{c.LogConfiguration != nil && c.LogConfiguration.LogDriver != ecsapi.LogDriverAwslogs, unsupported, "log driver '" + driver(c) + "'"},
		{c.LogConfiguration != nil && len(c.LogConfiguration.SecretOptions) > 0, unsupported, "logConfiguration.secretOptions"},
	} {
		if p.set {
			return p.error(p.name)
		}
	}
	return nil
}

func driver(c ecsapi.ContainerDefinition) string {
	if c.LogConfiguration == nil {
		return ""
	}
	return string(c.LogConfiguration.LogDriver)
}

// container is the record of one definition, with AWS's defaults filled in.
func container(d *state.TaskDefinition, c ecsapi.ContainerDefinition) state.ContainerDefinition {
	out := state.ContainerDefinition{
		Name: c.Name, Image: c.Image, CPU: c.Cpu, Memory: c.Memory, MemoryReservation: c.MemoryReservation,
		Essential:    c.Essential == nil || *c.Essential,
		EntryPoint:   c.EntryPoint,
		Command:      c.Command,
		PortMappings: []state.PortMapping{},
		Environment:  each(c.Environment, func(v ecsapi.KeyValuePair) state.NameValue { return state.NameValue{Name: v.Name, Value: v.Value} }, true),
		MountPoints: each(c.MountPoints, func(m ecsapi.MountPoint) state.MountPoint {
			return state.MountPoint{SourceVolume: m.SourceVolume, ContainerPath: m.ContainerPath, ReadOnly: m.ReadOnly}
		}, true),
		VolumesFrom: each(c.VolumesFrom, func(v ecsapi.VolumeFrom) state.VolumeFrom {
			return state.VolumeFrom{SourceContainer: v.SourceContainer, ReadOnly: v.ReadOnly}
		}, true),
		SystemControls: each(c.SystemControls, func(s ecsapi.SystemControl) state.NameValue {
			return state.NameValue{Name: s.Namespace, Value: s.Value}
		}, true),
		Secrets: each(c.Secrets, func(s ecsapi.Secret) state.NameValue { return state.NameValue{Name: s.Name, Value: s.ValueFrom} }, false),
		DependsOn: each(c.DependsOn, func(x ecsapi.ContainerDependency) state.Dependency {
			return state.Dependency{ContainerName: x.ContainerName, Condition: string(x.Condition)}
		}, false),
		Ulimits: each(c.Ulimits, func(u ecsapi.Ulimit) state.Ulimit {
			return state.Ulimit{Name: string(u.Name), Soft: u.SoftLimit, Hard: u.HardLimit}
		}, false),
		StartTimeout: c.StartTimeout, StopTimeout: c.StopTimeout, VersionConsistency: string(c.VersionConsistency),
		User: c.User, WorkingDirectory: c.WorkingDirectory, ReadonlyRootFilesystem: c.ReadonlyRootFilesystem,
		Privileged: c.Privileged, Interactive: c.Interactive, PseudoTerminal: c.PseudoTerminal, DockerLabels: c.DockerLabels,
	}
	out.EnvironmentFiles = each(c.EnvironmentFiles, func(f ecsapi.EnvironmentFile) string { return f.Value }, false)
	if c.RepositoryCredentials != nil {
		out.CredentialsParameter = c.RepositoryCredentials.CredentialsParameter
	}
	if c.RestartPolicy != nil {
		out.Restart = &state.RestartPolicy{Enabled: c.RestartPolicy.Enabled, IgnoredExitCodes: c.RestartPolicy.IgnoredExitCodes, AttemptPeriod: c.RestartPolicy.RestartAttemptPeriod}
	}
	if c.LogConfiguration != nil {
		out.Log = &state.LogConfiguration{Driver: string(c.LogConfiguration.LogDriver), Options: c.LogConfiguration.Options}
	}
	for _, p := range c.PortMappings {
		out.PortMappings = append(out.PortMappings, port(d, p))
	}
	if h := c.HealthCheck; h != nil {
		out.HealthCheck = &state.HealthCheck{Command: h.Command, Interval: or(h.Interval, 30), Timeout: or(h.Timeout, 5), Retries: or(h.Retries, 3), StartPeriod: h.StartPeriod}
	}
	if l := c.LinuxParameters; l != nil {
		out.Linux = &state.LinuxParameters{Init: l.InitProcessEnabled, Tmpfs: each(l.Tmpfs, func(t ecsapi.Tmpfs) state.Tmpfs {
			return state.Tmpfs{ContainerPath: t.ContainerPath, Size: t.Size, MountOptions: t.MountOptions}
		}, false)}
		if l.Capabilities != nil {
			out.Linux.HasCapabilities, out.Linux.CapAdd, out.Linux.CapDrop = true, l.Capabilities.Add, l.Capabilities.Drop
		}
	}
	return out
}

func port(d *state.TaskDefinition, p ecsapi.PortMapping) state.PortMapping {
	out := state.PortMapping{ContainerPort: p.ContainerPort, HostPort: p.HostPort, Protocol: string(p.Protocol), Name: p.Name, AppProtocol: string(p.AppProtocol), ContainerPortRange: p.ContainerPortRange}
	if out.Protocol == "" {
		out.Protocol = "tcp"
	}
	if out.HostPort == nil && out.ContainerPort != nil {
		host := *out.ContainerPort
		if d.NetworkMode != "awsvpc" && d.NetworkMode != "host" {
			host = 0
		}
		out.HostPort = &host
	}
	return out
}

// each converts a list; an absent list becomes an empty one when always is set.
func each[A, B any](in []A, f func(A) B, always bool) []B {
	if in == nil && !always {
		return nil
	}
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func or(p *int32, otherwise int32) int32 {
	if p == nil {
		return otherwise
	}
	return *p
}
