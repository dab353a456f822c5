// Package metadata serves what a task finds on 169.254.170.2: the task metadata
// endpoint in versions 4, 3 and 2, and the credentials of its task role.
//
// A task is known by the VPC and the source address of its requests, which
// nobody can forge, and sees nothing of other tasks. JSON, status codes and error
// texts are those of Amazon ECS on Fargate; each caller may make 40 requests
// per second, and 60 at once.
//
// Data plane: plain values only. The ECS agent is the Source behind it; the
// edge of each VPC runs the Handler.
package metadata
