package diagnosis

var images = []Entry{
	{"reg.not-found", "The registry has no such repository, or hides it.", "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref ...: not found",
		"The registry's answer to the request for the manifest.", "Make the repository and push the image, or correct the name."},
	{"reg.no-tag", "The repository has no such tag.", "CannotPullContainerError: ... :TAG: not found",
		"The registry's answer; the tags that the repository has are listed, the most alike first.", "Push the tag, or use one that is there."},
	{"reg.arch", "The image is not built for the architecture of the task.", "CannotPullContainerError: ... image Manifest does not contain descriptor matching platform 'linux/...', or exec format error in the log",
		"The platforms of the image's index; for an image of one platform, how its process ended.", "Build for the platform, or set runtimePlatform to what the image has."},
	{"reg.auth", "The registry's login was refused.", "ResourceInitializationError: ... unable to retrieve ecr registry auth ..., or CannotPullContainerError: ... failed to authorize: ..., or ... pull access denied ...",
		"The answer of ECR, or of the private registry's token server.", "What the error names; for a private registry, repositoryCredentials with the right user name and password."},
	{"reg.secret-shape", "The secret of a private registry is not JSON with username and password.", "ResourceInitializationError: ... unable to get registry auth from asm: ...",
		"The keys of the secret; its values are never shown.", `aws secretsmanager put-secret-value with {"username":"...","password":"..."}.`},
}
