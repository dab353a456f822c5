// Package agent runs tasks: it is the Fargate agent of Amazon ECS. It takes each
// task record from PROVISIONING to STOPPED, one step at a time, in AWS's order
// of work, so that what fails first is what fails first on AWS:
//
//	PROVISIONING   network interface                                provision.go
//	PENDING        execution role, registry auth, secrets           credentials.go ecrauth.go secrets.go
//	               log driver                                       logcheck.go
//	               image manifest, layers                           manifest.go layers.go pull.go
//	               containers in the order of dependsOn             create.go start.go order.go
//	ACTIVATING     target groups, when there are several            targets.go
//	RUNNING        target group, when there is one                  targets.go
//	               health checks, ends of containers                health.go observe.go
//	DEACTIVATING   out of the target groups, connections end        targets.go
//	STOPPING       stop signal, stopTimeout, SIGKILL                stop.go
//	DEPROVISIONING network interface, cgroup, files                 deprovision.go
//
// Everything up to the start of the containers goes through the network
// namespace of the task with the credentials of its execution role, by real
// requests to AWS's names, so a missing route, endpoint, rule or permission has
// the effect and the text that it has on AWS (texts.go).
//
// The agent survives its own death: each step may be repeated, names of
// containers and interfaces follow from the task's id, and containers do not
// die with the process. A task's desired status is written by others; its last
// status only by the agent, and only forward.
package agent
