package diagnosis

const denied = "AccessDeniedException: User: ... is not authorized to perform: ... because no identity-based policy allows the ... action"

var identity = []Entry{
	{"iam.trust", "The role does not trust ECS, or does not exist.", "ECS was unable to assume the role '...' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions ...",
		"The role's trust policy was evaluated for ecs-tasks.amazonaws.com.", "A trust policy that lets ecs-tasks.amazonaws.com assume it; aws:SourceArn and aws:SourceAccount must fit."},
	{"iam.exec-ecr", "The execution role may not log in to ECR or pull.", "ResourceInitializationError: ... " + denied + ", or CannotPullContainerError: ... 403 Forbidden",
		"IAM's evaluation of the agent's request.", "Attach AmazonECSTaskExecutionRolePolicy, or the one statement that is shown."},
	{"iam.exec-logs", "The execution role may not make the log stream or write to it.", "ResourceInitializationError: failed to validate logger args: ... AccessDeniedException",
		"IAM's evaluation of the agent's request.", "Attach AmazonECSTaskExecutionRolePolicy, or the one statement that is shown. awslogs-create-group needs logs:CreateLogGroup besides."},
	{"iam.exec-secret", "The execution role may not read the secret or parameter.", "ResourceInitializationError: unable to pull secrets or registry auth: ... AccessDeniedException ... secretsmanager:GetSecretValue",
		"IAM's evaluation of the agent's request.", "A statement for secretsmanager:GetSecretValue or ssm:GetParameters on the ARN, on the execution role and not on the task role."},
	{"iam.exec-kms", "The execution role may not decrypt with the key of the secret.", "... Access to KMS is not allowed",
		"IAM's evaluation of kms:Decrypt.", "A statement for kms:Decrypt on the key."},
	{"iam.exec-env-file", "The execution role may not read an environment file.", "ResourceInitializationError: failed to download env files: ... operation error S3: HeadObject, ... api error Forbidden: Forbidden",
		"IAM's evaluation of the agent's request.", "A statement for s3:GetObject on the file and s3:GetBucketLocation on its bucket, on the execution role."},
	{"iam.wrong-role", "The other role of the task has the permission: execution role and task role are swapped.", denied,
		"The same request was evaluated for the task's other role, which would be allowed.", "Move the statement to the role that makes the request."},
	{"iam.not-allowed", "No policy of the caller allows the action.", denied,
		"IAM's evaluation of the request.", "The one statement that is missing, as shown."},
	{"iam.explicit-deny", "A statement denies the action; no allow outweighs it.", "... with an explicit deny in ...",
		"IAM's evaluation; the statement is named by policy, Sid and line.", "Change or remove that statement."},
	{"iam.boundary", "The permissions boundary of the role or user does not allow the action.", "... because no permissions boundary allows the ... action",
		"IAM's evaluation of the request.", "Widen the boundary, or take it away."},
	{"iam.session-policy", "The policies that were passed when the role was assumed do not allow the action.", "... because no session policy allows the ... action",
		"IAM's evaluation of the request.", "Assume the role with wider session policies."},
	{"iam.resource-policy", "The policy of the resource (bucket, secret, key, repository) does not allow the caller.", "... because no resource-based policy allows the ... action",
		"IAM's evaluation of the request.", "A statement in the resource's policy that names the caller."},
	{"iam.endpoint-policy", "The policy of the VPC endpoint that the request came through does not allow the action.", "... because no VPC endpoint policy allows the ... action, or 403 Forbidden for a layer",
		"IAM's evaluation of a request that came through an endpoint.", "A statement in the endpoint's policy; for image layers s3:GetObject on arn:aws:s3:::prod-REGION-starport-layer-bucket/*."},
	{"iam.passrole", "The caller may not hand the role over to ECS.", "User: ... is not authorized to perform: iam:PassRole on resource: ...",
		"IAM's evaluation of the request.", "A statement for iam:PassRole on the role for the caller."},
}
