package diagnosis

var deployments = []Entry{
	{"dep.circuit", "The tasks of a deployment failed until its circuit breaker tripped.", "ECS deployment circuit breaker: tasks failed to start.",
		"The deployment's count of failed tasks; the first cause of these tasks is named.", "What the first cause says; then a new deployment."},
	{"dep.alarm", "An alarm of CloudWatch that watches a service's deployments went off during one.", "ECS deployment alarm: alarm detected.",
		"The alarm's state, which was another one when the deployment began.", "What made the alarm go off; then a new deployment."},
	{"stack.resource", "A resource of the stack could not be made, changed or deleted.", "The resource's status reason",
		"The stack's events.", "What the reason says."},
}

var requests = []Entry{
	{"req.signature", "The request's signature is not valid.", "SignatureDoesNotMatch, InvalidSignatureException, IncompleteSignature, AuthFailure",
		"The signature was computed again.", "The right secret key; a clock that is right; nothing between that changes requests."},
	{"req.key", "The access key is not known here, or has expired.", "InvalidClientTokenId, UnrecognizedClientException, InvalidAccessKeyId, ExpiredToken",
		"The key was looked up.", "eval \"$(neargate env)\", or neargate account create."},
	{"req.unsupported", "Neargate does not carry out the operation.", "",
		"The list of operations in docs/coverage.md.", "Do without it, or say that you need it."},
}
