// Package ecs is Amazon Elastic Container Service with the capacity of AWS
// Fargate: clusters, task definitions, tasks and services.
//
// Service implements the generated API (internal/aws/ecsapi). Handlers only
// write records (internal/state); what is written is carried out by loops: the
// service scheduler here (scheduler.go) starts and stops the tasks of services
// by the plans of ecs/deployment, and the agent (ecs/agent) takes each task from
// PROVISIONING to STOPPED.
//
// Subpackages: taskdef checks and shows task definitions, placement spreads
// tasks over zones, deployment plans rolling updates, agent runs tasks. The
// first three are pure.
//
// What AWS has and we do not carry out (EC2 and EXTERNAL capacity, load
// balancers, ECS Exec, Service Connect ...) is refused by name: launch.go,
// service_check.go and runtask.go here, build.go and container.go in taskdef.
package ecs
