package taskdef

import (
	"regexp"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// ecrHost matches the registry host of a private ECR registry.
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com/`)

// ECRImage reports whether an image is in a private ECR registry, and in whose
// account and which region.
func ECRImage(image string) (account, region string, ok bool) {
	m := ecrHost.FindStringSubmatch(image)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// checkFargate checks what Fargate asks of a task definition that requires it.
func checkFargate(d *state.TaskDefinition, _ *ecsapi.RegisterTaskDefinitionRequest) error {
	if !fargate(d) {
		return nil
	}
	switch {
	case d.NetworkMode != "awsvpc":
		return clientError("Fargate only supports network mode ‘awsvpc’.")
	case d.CPU == "":
		return clientError("Fargate requires that 'cpu' be defined at the task level.")
	case d.Memory == "":
		return clientError("Fargate requires that 'memory' be defined at the task level.")
	}
	if err := CheckFargateSize(d.CPU, d.Memory); err != nil {
		return err
	}
	for _, c := range d.Containers {
		if _, _, ok := ECRImage(c.Image); ok && d.ExecutionRoleARN == "" {
			return clientError("Fargate requires task definition to have execution role ARN to support ECR images.")
		}
		if c.Log != nil && d.ExecutionRoleARN == "" {
			return clientError("Fargate requires task definition to have execution role ARN to support log driver %s.", c.Log.Driver)
		}
	}
	return nil
}

// compatibilities are the launch types that can run the task definition.
func compatibilities(d *state.TaskDefinition) []string {
	can := []string{"EC2"}
	if fargate(d) || d.NetworkMode == "awsvpc" && d.CPU != "" && d.Memory != "" && CheckFargateSize(d.CPU, d.Memory) == nil {
		can = append(can, "FARGATE")
	}
	return can
}

// requiresAttributes are the capabilities of an instance that the task needs, in
// AWS's names.
func requiresAttributes(d *state.TaskDefinition) []string {
	var out []string
	need := func(when bool, names ...string) {
		for _, n := range names {
			if when && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	for _, c := range d.Containers {
		_, _, ecr := ECRImage(c.Image)
		need(c.Log != nil, "com.amazonaws.ecs.capability.logging-driver.awslogs")
		need(c.Log != nil && d.ExecutionRoleARN != "", "ecs.capability.execution-role-awslogs")
		need(ecr, "com.amazonaws.ecs.capability.ecr-auth")
		need(ecr && d.ExecutionRoleARN != "", "ecs.capability.execution-role-ecr-pull")
		need(c.Log != nil || ecr, "com.amazonaws.ecs.capability.docker-remote-api.1.19")
		need(c.MemoryReservation != nil, "com.amazonaws.ecs.capability.docker-remote-api.1.21")
		need(c.HealthCheck != nil, "ecs.capability.container-health-check")
		need(c.Restart != nil && c.Restart.Enabled, "ecs.capability.container-restart-policy")
		need(len(c.DependsOn) > 0 || c.StartTimeout != nil || c.StopTimeout != nil, "ecs.capability.container-ordering")
		for _, s := range c.Secrets {
			if secretARN.MatchString(s.Value) {
				need(true, "ecs.capability.secrets.asm.environment-variables")
			} else {
				need(true, "ecs.capability.secrets.ssm.environment-variables")
			}
		}
		need(len(c.EnvironmentFiles) > 0, "ecs.capability.env-files.s3")
		need(c.CredentialsParameter != "", "ecs.capability.private-registry-authentication.secretsmanager")
	}
	need(true, "com.amazonaws.ecs.capability.docker-remote-api.1.18")
	need(d.TaskRoleARN != "", "com.amazonaws.ecs.capability.task-iam-role")
	need(d.NetworkMode == "awsvpc", "ecs.capability.task-eni")
	need(d.PIDMode != "", "ecs.capability.pid-ipc-namespace-sharing")
	need(d.EphemeralGiB > 0, "ecs.capability.extensible-ephemeral-storage")
	return out
}

var secretARN = regexp.MustCompile(`^arn:[^:]+:secretsmanager:`)
