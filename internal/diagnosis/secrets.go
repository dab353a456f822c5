package diagnosis

var secretsAndLogs = []Entry{
	{"sec.not-found", "There is no secret or parameter of that name, or no such version.", "ResourceNotFoundException: Secrets Manager can't find the specified secret., or invalid ssm parameters: ...",
		"The answer of Secrets Manager or Systems Manager.", "Make it, or correct valueFrom."},
	{"sec.json-key", "The secret has no such JSON key.", "... retrieved secret from Secrets Manager did not contain json key ...",
		"The keys of the secret, names only.", "A valueFrom that ends with a key that is there, or a new version of the secret."},
	{"sec.key", "The key under which the secret or parameter is encrypted is disabled, deleted or waits for its deletion.", "DecryptionFailure: Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
		"The answer of Secrets Manager or Systems Manager.", "Enable the key, cancel its deletion, or encrypt the secret under another key."},
	{"sec.env-file", "There is no environment file of that name.", "ResourceInitializationError: failed to download env files: ... operation error S3: HeadObject, ... api error NotFound: Not Found",
		"The answer of S3.", "Upload the file, or correct environmentFiles."},
	{"logs.no-group", "The log group does not exist.", "ResourceInitializationError: failed to validate logger args: ... ResourceNotFoundException: The specified log group does not exist.",
		"The answer of CloudWatch Logs.", "Make the log group, or set awslogs-create-group and allow logs:CreateLogGroup."},
	{"logs.option", "The log configuration lacks an option that awslogs needs.", "ResourceInitializationError: failed to validate logger args: unable to get awslogs driver arguments: ... is required",
		"The container's logConfiguration.", "Set the option."},
	{"logs.dropped", "Lines that the container wrote could not be stored.", "",
		"The answer of CloudWatch Logs to PutLogEvents.", "What the error names: often logs:PutLogEvents for the execution role, or a log group that is gone."},
}
