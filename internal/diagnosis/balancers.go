package diagnosis

var balancers = []Entry{
	{"lb.response-code", "A task answers the health check of its target group with a code that the matcher does not have.", "Health checks failed with these codes: [404]",
		"The answer to the load balancer's own request.", "A path that the application has, or its code as matcher."},
	{"lb.unhealthy", "The health checks of a target group failed, and what is on the way would let them pass.", "Task failed ELB health checks in (target-group ...)",
		"The target's health; routes, groups and ACLs between the load balancer's nodes and the task were evaluated.",
		"What the reason says; healthCheckGracePeriodSeconds on the service when the application only needs time to start. In a container definition that key has no effect."},
	{"lb.client-address", "A network load balancer preserves its clients' addresses, and the security group of the target lets in the health checks, which come from the nodes, but not the clients.", "",
		"The target's interface dropped packets of clients, and its groups still would.", "An inbound rule for the port from the load balancer's security group, or from the clients' addresses when it has none. The groups of clients do not count."},
	{"lb.private-subnets", "An internet-facing load balancer is in subnets from which no route leads to an internet gateway: public and private subnets are swapped.", "",
		"The route tables of its subnets.", "The public subnets."},
}
