package agent

import "fmt"

// The texts that AWS's agent gives as stoppedReason, one function each. The
// numbers are those of attempts as AWS makes them.

const (
	pullingResources = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
	loggerArgs       = "ResourceInitializationError: failed to validate logger args: "
	envFiles         = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: "
	checkNetwork     = ". Please check your task network configuration."

	textENITimeout = "Timeout waiting for network interface provisioning to complete."
	textEssential  = "Essential container in task exited"
	textOOM        = "OutOfMemoryError: Container killed due to memory usage"
)

func textENI(publicIP bool, subnet, code string) string {
	with := ""
	if publicIP {
		with = " with public IP assignment enabled"
	}
	return fmt.Sprintf("Unexpected EC2 error while attempting to Create Network Interface%s in subnet '%s': %s", with, subnet, code)
}

func textRole(roleARN string) string {
	return fmt.Sprintf("ECS was unable to assume the role '%s' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.", roleARN)
}

func textECRUnreachable(err error) string {
	return pullingResources + "unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: " + clean(err) + checkNetwork
}

func textECRRefused(e *apiError) string {
	return pullingResources + "unable to retrieve ecr registry auth: service call has been retried 1 time(s): operation error ECR: GetAuthorizationToken, " + e.sdk()
}

func textSecretUnreachable(arn string) string {
	return fmt.Sprintf("%sunable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret %s from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded%s", pullingResources, arn, checkNetwork)
}

func textSecretRefused(arn string, e *apiError) string {
	return fmt.Sprintf("%sunable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret %s from secrets manager: %s: %s", pullingResources, arn, e.Code, e.Message)
}

func textSecretKey(arn, key string) string {
	return fmt.Sprintf("%sunable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets Manager did not contain json key %s", pullingResources, key)
}

func textSecretContent(err error) string {
	return pullingResources + "unable to retrieve secret from asm: service call has been retried 1 time(s): " + err.Error()
}

func textSecretARN() string {
	return pullingResources + "unable to retrieve secret from asm: an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again."
}

func textParametersUnreachable() string {
	return pullingResources + "unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded" + checkNetwork
}

func textParametersRefused(e *apiError) string {
	return fmt.Sprintf("%sunable to retrieve secrets from ssm: service call has been retried 1 time(s): %s: %s", pullingResources, e.Code, e.Message)
}

func textParametersInvalid(names string) string {
	return pullingResources + "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: " + names
}

func textRegistrySecret(name string, problem string) string {
	return fmt.Sprintf("%sunable to get registry auth from asm: service call has been retried 1 time(s): asm fetching secret from the service for %s: %s", pullingResources, name, problem)
}

func textRegistryShape(problem string) string {
	return pullingResources + "unable to get registry auth from asm: service call has been retried 1 time(s): " + problem
}

func textRegistryUnreachable() string {
	return pullingResources + "unable to get registry auth from asm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded" + checkNetwork
}

func textEnvironmentFile(operation string, e *apiError) string {
	return fmt.Sprintf("%sservice call has been retried 1 time(s): operation error S3: %s, %s", envFiles, operation, e.sdk())
}

func textEnvironmentFileUnreachable() string {
	return envFiles + "RequestCanceled: request context canceled caused by: context deadline exceeded"
}

func textLogOption(name string) string {
	return loggerArgs + "unable to get awslogs driver arguments: " + name + " is required"
}

func textLogUnreachable() string {
	return loggerArgs + "The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration. : signal: killed"
}

func textLogRefused(e *apiError) string {
	what := "create stream has been retried 1 times: failed to create Cloudwatch log stream"
	if e.Operation == "CreateLogGroup" {
		what = "create group has been retried 1 times: failed to create Cloudwatch log group"
	}
	return fmt.Sprintf("%s%s: %s: %s : exit status 1", loggerArgs, what, e.Code, e.Message)
}

func textManifest(ref, problem string) string {
	return fmt.Sprintf("CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref %s: %s", ref, problem)
}

func textManifestRefused(ref, host, reference, status string) string {
	return fmt.Sprintf("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref %s: pulling from host %s failed with status code [manifests %s]: %s", ref, host, reference, status)
}

func textPlatform(platform string) string {
	return fmt.Sprintf("CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform '%s'", platform)
}

func textImageName(image string, err error) string {
	return fmt.Sprintf("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to parse ref %s: %s", image, err)
}

func textLayerUnreachable(err error) string {
	return "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: failed to do request: " + clean(err)
}

func textLayerRefused(location, status string) string {
	return fmt.Sprintf("CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: unexpected status code %s: %s", location, status)
}

func textUnpack(err error) string {
	return "CannotPullContainerError: ref pull has been retried 1 time(s): failed to extract layer: " + err.Error()
}

func textCreate(err error) string { return "CannotCreateContainerError: " + err.Error() }

func textStart(reason string) string {
	return "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: " + reason + ": unknown"
}

func textDependency(dependency, target, why string) string {
	return fmt.Sprintf("dependency graph: failed to resolve container ordering dependency [%s] for target [%s] as %s", dependency, target, why)
}
