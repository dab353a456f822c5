// Package deployment plans what a service's scheduler does next: which tasks
// to start and to stop so that a rolling update stays between
// minimumHealthyPercent and maximumPercent, when a deployment is complete, when
// the circuit breaker trips and where it rolls back to, and how long failing
// launches wait.
//
// It is pure: it takes the service as it is and the time, and returns a Plan.
// It knows no store, no clock and no task but by its few facts here. The
// scheduler loop in package ecs carries the plan out and asks again whenever a
// task changes. It promises, for every state of the world: no launch lifts the
// number of tasks above the upper limit; no stop lowers the number of healthy
// tasks below the lower limit (but for scaling in and deleting, which the user
// asked for); repeated long enough with tasks that work, it ends in one
// completed deployment.
package deployment
