package taskdef

import (
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

var (
	familyPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
)

// maxContainers is how many containers a task definition may have.
const maxContainers = 10

// Build makes the record of a new revision from a request of the account. Who
// registers it, when, and the revision's number are the caller's to fill in.
// Errors are *ecsapi.ClientException or *ecsapi.InvalidParameterException.
func Build(account string, in *ecsapi.RegisterTaskDefinitionRequest) (*state.TaskDefinition, error) {
	d := &state.TaskDefinition{
		Account: account, Family: in.Family, Status: "ACTIVE",
		TaskRoleARN: roleARN(account, in.TaskRoleArn), ExecutionRoleARN: roleARN(account, in.ExecutionRoleArn),
		NetworkMode: string(in.NetworkMode), PIDMode: string(in.PidMode), EnableFaultInjection: in.EnableFaultInjection,
	}
	for _, t := range in.Tags {
		d.Tags = append(d.Tags, state.Tag{Key: t.Key, Value: t.Value})
	}
	for _, c := range in.RequiresCompatibilities {
		d.RequiresCompatibilities = append(d.RequiresCompatibilities, string(c))
	}
	for _, step := range []func(*state.TaskDefinition, *ecsapi.RegisterTaskDefinitionRequest) error{
		checkFamily, refuseTask, buildSize, buildVolumes, buildPlatform, buildContainers, checkContainers, checkFargate,
	} {
		if err := step(d, in); err != nil {
			return nil, err
		}
	}
	d.Compatibilities = compatibilities(d)
	d.RequiresAttributes = requiresAttributes(d)
	return d, nil
}

// roleARN completes the short name of a role.
func roleARN(account, role string) string {
	if role == "" || strings.HasPrefix(role, "arn:") {
		return role
	}
	return "arn:aws:iam::" + account + ":role/" + role
}

func checkFamily(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	switch {
	case d.Family == "":
		return clientError("Family should not be null or empty.")
	case !familyPattern.MatchString(d.Family):
		return clientError("Family contains invalid characters.")
	case len(in.ContainerDefinitions) == 0:
		return clientError("Container list cannot be empty.")
	case len(in.ContainerDefinitions) > maxContainers:
		return clientError("A task definition can have at most 10 container definitions.")
	}
	return nil
}

// refuseTask refuses properties of the task that are not carried out.
func refuseTask(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	switch {
	case in.ProxyConfiguration != nil:
		return unsupported("proxyConfiguration")
	case len(in.InferenceAccelerators) > 0:
		return unsupported("inferenceAccelerators")
	case len(in.PlacementConstraints) > 0:
		if fargate(d) {
			return notOnFargate("placementConstraints")
		}
		return unsupported("placementConstraints of task definitions")
	case in.IpcMode != "":
		if fargate(d) {
			return clientError("Tasks using the Fargate launch type do not support ipcMode.")
		}
		return unsupported("ipcMode")
	case in.PidMode == ecsapi.PidModeHost && fargate(d):
		return clientError("Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.")
	case in.PidMode == ecsapi.PidModeHost:
		return unsupported("pidMode 'host'")
	case in.EnableFaultInjection != nil && *in.EnableFaultInjection:
		return unsupported("enableFaultInjection")
	case in.TrustedExecutionConfiguration != nil:
		return unsupported("trustedExecutionConfiguration")
	}
	for _, c := range d.RequiresCompatibilities {
		if c != "FARGATE" && c != "EC2" {
			return unsupported("requiresCompatibilities " + c)
		}
	}
	return nil
}

func buildVolumes(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	d.Volumes = []string{}
	for _, v := range in.Volumes {
		switch {
		case v.Name == "":
			return clientError("Volume.name should not be null or empty.")
		case slices.Contains(d.Volumes, v.Name):
			return clientError("Volume names must be unique: '%s' is used more than once.", v.Name)
		case v.EfsVolumeConfiguration != nil:
			return unsupported("volumes: efsVolumeConfiguration")
		case v.DockerVolumeConfiguration != nil:
			return unsupported("volumes: dockerVolumeConfiguration")
		case v.FsxWindowsFileServerVolumeConfiguration != nil:
			return unsupported("volumes: fsxWindowsFileServerVolumeConfiguration")
		case v.S3filesVolumeConfiguration != nil:
			return unsupported("volumes: s3filesVolumeConfiguration")
		case v.ConfiguredAtLaunch != nil && *v.ConfiguredAtLaunch:
			return unsupported("volumes: configuredAtLaunch (Amazon EBS)")
		case v.Host != nil && v.Host.SourcePath != "" && fargate(d):
			return notOnFargate("host.sourcePath")
		case v.Host != nil && v.Host.SourcePath != "":
			return unsupported("volumes: host.sourcePath")
		}
		d.Volumes = append(d.Volumes, v.Name)
	}
	return nil
}

func buildPlatform(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	if in.RuntimePlatform != nil {
		p := *in.RuntimePlatform
		if p.OperatingSystemFamily != "" && p.OperatingSystemFamily != ecsapi.OSFamilyLinux {
			return unsupported("runtimePlatform.operatingSystemFamily " + string(p.OperatingSystemFamily))
		}
		d.Platform = &state.RuntimePlatform{CPUArchitecture: string(p.CpuArchitecture), OSFamily: string(p.OperatingSystemFamily)}
	}
	if in.EphemeralStorage != nil {
		d.EphemeralGiB = in.EphemeralStorage.SizeInGiB
		if d.EphemeralGiB < 21 {
			return clientError("EphemeralStorage size should be at least 21")
		}
		if d.EphemeralGiB > 200 {
			return clientError("EphemeralStorage size should be at most 200")
		}
	}
	return nil
}

// fargate reports whether the task definition must run on Fargate.
func fargate(d *state.TaskDefinition) bool {
	return slices.Contains(d.RequiresCompatibilities, "FARGATE")
}
