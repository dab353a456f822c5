package deployment

import (
	"fmt"
	"strings"
)

// The texts of service events and of rolloutStateReason, as AWS words them.

// ReasonTripped is the rolloutStateReason of a deployment that the circuit breaker failed.
const ReasonTripped = "ECS deployment circuit breaker: tasks failed to start."

// ReasonAlarm is the rolloutStateReason of a deployment that an alarm failed.
const ReasonAlarm = "ECS deployment alarm: alarm detected."

// ReasonInProgress is the rolloutStateReason of a deployment under way.
func ReasonInProgress(deployment string) string {
	return fmt.Sprintf("ECS deployment %s in progress.", deployment)
}

// ReasonCompleted is the rolloutStateReason of a completed deployment.
func ReasonCompleted(deployment string) string {
	return fmt.Sprintf("ECS deployment %s completed.", deployment)
}

// ReasonRollback is the rolloutStateReason of the deployment that is rolled back to;
// the cause is the circuit breaker or an alarm.
func ReasonRollback(cause, deployment string) string {
	return fmt.Sprintf("ECS deployment %s: rolling back to deploymentId %s.", cause, deployment)
}

// EventStarted tells of tasks that were started; replacing counts those that
// stand in for unhealthy ones.
func EventStarted(service string, tasks []string, replacing int) string {
	text := fmt.Sprintf("(service %s) has started %d tasks: %s.", service, len(tasks), list(tasks))
	if replacing > 0 {
		text += fmt.Sprintf(" Amazon ECS replaced %d tasks due to an unhealthy status.", replacing)
	}
	return text
}

// EventStopped tells of tasks that were stopped.
func EventStopped(service string, tasks []string) string {
	return fmt.Sprintf("(service %s) has stopped %d running tasks: %s.", service, len(tasks), list(tasks))
}

// EventSteady tells that the service has all its tasks.
func EventSteady(service string) string {
	return fmt.Sprintf("(service %s) has reached a steady state.", service)
}

// EventCompleted tells that a deployment is complete.
func EventCompleted(service, deployment string) string {
	return fmt.Sprintf("(service %s) (deployment %s) deployment completed.", service, deployment)
}

// EventFailed tells that the circuit breaker failed a deployment.
func EventFailed(service, deployment string) string {
	return fmt.Sprintf("(service %s) (deployment %s) deployment failed: tasks failed to start.", service, deployment)
}

// EventAlarm tells that an alarm failed a deployment.
func EventAlarm(service, deployment string) string {
	return fmt.Sprintf("(service %s) (deployment %s) deployment failed: alarm detected.", service, deployment)
}

// EventRollback tells which deployment is rolled back to.
func EventRollback(service, deployment string) string {
	return fmt.Sprintf("(service %s) rolling back to deployment %s.", service, deployment)
}

// EventUnhealthy tells that a task failed its container health checks.
func EventUnhealthy(service, task string) string {
	return fmt.Sprintf("(service %s) (task %s) failed container health checks.", service, task)
}

// EventTargetUnhealthy tells that a task failed the health checks of a target group.
func EventTargetUnhealthy(service, task string, t TargetHealth) string {
	return fmt.Sprintf("(service %s) (task %s) (port %d) is unhealthy in (target-group %s) due to (reason %s)", service, task, t.Port, t.Group, t.Reason)
}

// EventRegistered tells that tasks were put into a target group.
func EventRegistered(service string, n int, group string) string {
	return fmt.Sprintf("(service %s) registered %d targets in (target-group %s)", service, n, group)
}

// EventDeregistered tells that tasks were taken out of a target group.
func EventDeregistered(service string, n int, group string) string {
	return fmt.Sprintf("(service %s) deregistered %d targets in (target-group %s)", service, n, group)
}

// EventUnregistered tells that a task could not be put into a target group.
func EventUnregistered(service, group, problem string) string {
	return fmt.Sprintf("(service %s) failed to register targets in (target-group %s) with (error %s)", service, group, problem)
}

// EventUnlisted tells that a task could not be registered with Cloud Map.
func EventUnlisted(service, registry, problem string) string {
	return fmt.Sprintf("(service %s) failed to register instances in (service-registry %s) with (error %s)", service, registry, problem)
}

// EventDraining tells that tasks of a deployment end only once their connections have.
func EventDraining(service, deployment string, n int) string {
	return fmt.Sprintf("(service %s, taskSet %s) has begun draining connections on %d tasks.", service, deployment, n)
}

// ReasonTarget is the stoppedReason of a task that failed the health checks of a target group.
func ReasonTarget(group string) string {
	return reasonTarget + group + ")"
}

const reasonTarget = "Task failed ELB health checks in (target-group "

// ReasonContainer is the stoppedReason of a task that failed its container health checks.
const ReasonContainer = "Task failed container health checks"

// Unfit reports whether a task that the scheduler stopped was unhealthy, by its stoppedReason.
func Unfit(stoppedReason string) bool {
	return stoppedReason == ReasonContainer || strings.HasPrefix(stoppedReason, reasonTarget)
}

// EventUnplaced tells why a task could not be started.
func EventUnplaced(service, reason string) string {
	return fmt.Sprintf("(service %s) was unable to place a task. Reason: %s.", service, strings.TrimSuffix(reason, "."))
}

// EventInconsistent tells that launches keep failing.
func EventInconsistent(service string) string {
	return fmt.Sprintf("(service %s) is unable to consistently start tasks successfully.", service)
}

// EventBlocked tells that the deployment configuration allows no step.
func EventBlocked(service string) string {
	return fmt.Sprintf("(service %s) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.", service)
}

// EventLaunchFailed tells that a task could not even be made.
func EventLaunchFailed(service, problem string) string {
	return fmt.Sprintf("(service %s) failed to launch a task with (error %s).", service, problem)
}

func list(tasks []string) string {
	parts := make([]string, len(tasks))
	for i, id := range tasks {
		parts[i] = "(task " + id + ")"
	}
	return strings.Join(parts, " ")
}
