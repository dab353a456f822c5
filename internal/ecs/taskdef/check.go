package taskdef

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// checkContainers checks each container and how they fit together.
func checkContainers(d *state.TaskDefinition, _ *ecsapi.RegisterTaskDefinitionRequest) error {
	names := map[string]bool{}
	essential := false
	for _, c := range d.Containers {
		if err := checkContainer(d, c); err != nil {
			return err
		}
		if names[c.Name] {
			return clientError("Container names must be unique: '%s' is used more than once.", c.Name)
		}
		names[c.Name] = true
		essential = essential || c.Essential
	}
	if !essential {
		return clientError("At least one container must be marked as essential.")
	}
	if err := checkSums(d); err != nil {
		return err
	}
	if err := checkPorts(d); err != nil {
		return err
	}
	return checkDependencies(d)
}

func checkContainer(d *state.TaskDefinition, c state.ContainerDefinition) error {
	switch {
	case c.Name == "":
		return clientError("Container.name should not be null or empty.")
	case !namePattern.MatchString(c.Name):
		return clientError("Invalid container name '%s'. Up to 255 letters, numbers, hyphens and underscores are allowed.", c.Name)
	case c.Image == "":
		return clientError("Container.image should not be null or empty.")
	case strings.ContainsAny(c.Image, " \t\n"):
		return clientError("Invalid image '%s' for container '%s'.", c.Image, c.Name)
	case c.Memory == nil && c.MemoryReservation == nil && d.Memory == "" && !fargate(d):
		return clientError("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", c.Name)
	case c.Memory != nil && *c.Memory < 4 || c.MemoryReservation != nil && *c.MemoryReservation < 4:
		return clientError("Invalid setting for container '%s'. Memory must be at least 4 MiB.", c.Name)
	case c.Memory != nil && c.MemoryReservation != nil && *c.MemoryReservation > *c.Memory:
		return clientError("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", c.Name)
	case c.CPU < 0:
		return clientError("Invalid 'cpu' setting for container '%s'.", c.Name)
	case outside(c.StartTimeout, 2, 120):
		return clientError("Invalid setting for container '%s'. startTimeout must be between 2 and 120 seconds.", c.Name)
	case outside(c.StopTimeout, 2, 120):
		return clientError("Invalid setting for container '%s'. stopTimeout must be between 2 and 120 seconds.", c.Name)
	case c.Restart != nil && outside(c.Restart.AttemptPeriod, 60, 1800):
		return clientError("Invalid setting for container '%s'. restartAttemptPeriod must be between 60 and 1800 seconds.", c.Name)
	case c.Restart != nil && len(c.Restart.IgnoredExitCodes) > 50:
		return clientError("Invalid setting for container '%s'. ignoredExitCodes can have at most 50 exit codes.", c.Name)
	case c.WorkingDirectory != "" && !strings.HasPrefix(c.WorkingDirectory, "/"):
		return clientError("Invalid setting for container '%s'. workingDirectory must be an absolute path.", c.Name)
	}
	for _, check := range []func(*state.TaskDefinition, state.ContainerDefinition) error{checkEnvironment, checkHealth, checkMounts, checkLimits, checkLog} {
		if err := check(d, c); err != nil {
			return err
		}
	}
	return nil
}

func outside(v *int32, low, high int32) bool { return v != nil && (*v < low || *v > high) }

func checkEnvironment(d *state.TaskDefinition, c state.ContainerDefinition) error {
	names := map[string]bool{}
	for _, e := range c.Environment {
		if e.Name == "" || strings.ContainsAny(e.Name, "=\x00") || strings.ContainsRune(e.Value, 0) {
			return clientError("Invalid environment variable '%s' for container '%s'.", e.Name, c.Name)
		}
		names[e.Name] = true
	}
	for _, s := range c.Secrets {
		switch {
		case d.ExecutionRoleARN == "":
			return clientError("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
		case s.Name == "" || s.Value == "":
			return clientError("Container secrets must have both name and valueFrom.")
		case names[s.Name]:
			return clientError("The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '%s'.", s.Name)
		}
		names[s.Name] = true
	}
	if c.CredentialsParameter != "" && d.ExecutionRoleARN == "" {
		return clientError("When you are specifying repositoryCredentials, you must also specify a value for 'executionRoleArn'.")
	}
	if len(c.EnvironmentFiles) > 0 && d.ExecutionRoleARN == "" {
		return clientError("When you are specifying container environmentFiles, you must also specify a value for 'executionRoleArn'.")
	}
	return CheckEnvironmentFiles(c.EnvironmentFiles)
}

const maxEnvironmentFiles = 10

// CheckEnvironmentFiles checks the ARNs of a container's environment files.
func CheckEnvironmentFiles(files []string) error {
	if len(files) > maxEnvironmentFiles {
		return clientError("A container can have at most %d environment files.", maxEnvironmentFiles)
	}
	for _, f := range files {
		a, err := arn.Parse(f)
		bucket, key, ok := strings.Cut(a.Resource, "/")
		switch {
		case err != nil || a.Service != "s3" || bucket == "" || !ok || key == "":
			return clientError("Invalid arn syntax for environment file '%s'. The value must be the ARN of an object in Amazon S3.", f)
		case !strings.HasSuffix(key, ".env"):
			return clientError("Invalid environment file '%s'. The file must have the extension .env.", f)
		}
	}
	return nil
}

func checkHealth(_ *state.TaskDefinition, c state.ContainerDefinition) error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if len(h.Command) == 0 || !slices.Contains([]string{"CMD", "CMD-SHELL", "NONE"}, h.Command[0]) || len(h.Command) < 2 && h.Command[0] != "NONE" {
		return clientError("Invalid health check for container '%s': the command must begin with CMD or CMD-SHELL.", c.Name)
	}
	for _, v := range []struct {
		name            string
		value, low, top int32
	}{{"interval", h.Interval, 5, 300}, {"timeout", h.Timeout, 2, 120}, {"retries", h.Retries, 1, 10}, {"startPeriod", or(h.StartPeriod, 0), 0, 300}} {
		if v.value < v.low || v.value > v.top {
			return clientError("Invalid health check for container '%s': %s must be between %d and %d.", c.Name, v.name, v.low, v.top)
		}
	}
	return nil
}

func checkMounts(d *state.TaskDefinition, c state.ContainerDefinition) error {
	for _, m := range c.MountPoints {
		if !slices.Contains(d.Volumes, m.SourceVolume) {
			return clientError("Unknown volume '%s'.", m.SourceVolume)
		}
		if !strings.HasPrefix(m.ContainerPath, "/") {
			return clientError("Invalid mount point for container '%s': containerPath '%s' must be an absolute path.", c.Name, m.ContainerPath)
		}
	}
	for _, v := range c.VolumesFrom {
		if _, ok := d.Container(v.SourceContainer); !ok || v.SourceContainer == c.Name {
			return clientError("Invalid volumesFrom for container '%s': container '%s' does not exist.", c.Name, v.SourceContainer)
		}
	}
	return nil
}

func checkLimits(d *state.TaskDefinition, c state.ContainerDefinition) error {
	for _, u := range c.Ulimits {
		if u.Soft > u.Hard && u.Hard >= 0 {
			return clientError("Invalid ulimit '%s' for container '%s': softLimit must not exceed hardLimit.", u.Name, c.Name)
		}
	}
	for _, s := range c.SystemControls {
		if !systemControl(s.Name) {
			return clientError("Invalid systemControls namespace '%s' for container '%s'.", s.Name, c.Name)
		}
	}
	if c.Linux == nil {
		return nil
	}
	for _, name := range c.Linux.CapAdd {
		if fargate(d) && name != "SYS_PTRACE" {
			return clientError("Fargate compatible task definitions do not support adding the capability '%s'. The supported value is 'SYS_PTRACE'.", name)
		}
	}
	for _, t := range c.Linux.Tmpfs {
		if !strings.HasPrefix(t.ContainerPath, "/") || t.Size < 1 {
			return clientError("Invalid tmpfs for container '%s': containerPath must be absolute and size at least 1.", c.Name)
		}
	}
	return nil
}

// systemControl reports whether a kernel parameter belongs to the namespaces of a task.
func systemControl(name string) bool {
	switch name {
	case "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced":
		return true
	}
	return strings.HasPrefix(name, "net.") || strings.HasPrefix(name, "fs.mqueue.")
}

// checkSums checks that the containers fit into the task.
func checkSums(d *state.TaskDefinition) error {
	cpu, reserved := 0, 0
	for _, c := range d.Containers {
		cpu += int(c.CPU)
		reserved += int(or(c.MemoryReservation, or(c.Memory, 0)))
		if d.Memory != "" && int(or(c.Memory, 0)) > atoi(d.Memory) {
			return clientError("Invalid setting for container '%s'. The memory of the container (%d) must not exceed the memory of the task (%s).", c.Name, *c.Memory, d.Memory)
		}
	}
	if d.CPU != "" && cpu > atoi(d.CPU) {
		return clientError("The sum of the containers' cpu (%d) must not exceed the cpu of the task (%s).", cpu, d.CPU)
	}
	if d.Memory != "" && reserved > atoi(d.Memory) {
		return clientError("The sum of the containers' memory (%d) must not exceed the memory of the task (%s).", reserved, d.Memory)
	}
	return nil
}
