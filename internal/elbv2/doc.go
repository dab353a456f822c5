// Package elbv2 is Elastic Load Balancing: Application and Network Load Balancers
// with their listeners, rules, target groups and targets.
//
// Handlers write records (state.LoadBalancers, Listeners, ListenerRules,
// TargetGroups, Targets). A loop per load balancer makes its nodes, which are
// network interfaces in its subnets, and hands package loadbalancer what
// listens on them and where requests go (configuration, pure). A loop per target
// group hands over what is to be checked, writes the health that was found into
// the records of targets, and removes those that have drained.
//
// Other services meet it in those records: ECS registers a task's address and
// reads its health (members.go), EC2's zones answer with the nodes' addresses.
//
// Not carried out, and refused by name: Gateway Load Balancers, targets that are
// functions, authentication by Cognito or by tokens, transforms, sharing of trust
// stores, IPv6, Outposts, capacity
// reservations.
package elbv2
