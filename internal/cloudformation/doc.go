// Package cloudformation is AWS CloudFormation: stacks, change sets, events,
// exports and nested stacks, and the engine that makes, changes and deletes the
// resources of a stack through the APIs of the other services.
//
// A request is planned before it is answered (prepare.go, diff.go): template,
// transforms, parameters, conditions, schemas and the difference from what is.
// What is wanted is then recorded as an operation of the stack (state.Stack),
// and the loop carries it out (operate.go): apply along the graph of
// dependencies, roll back when something fails, clean up what was replaced,
// delete. Each resource's progress is recorded before and after it is acted
// upon, so after a restart, also by kill -9, the work goes on where it was.
//
// Calls to other services are made as the principal who asked, or as the
// stack's service role, via cloudformation.amazonaws.com. Events of one stack
// have strictly growing times, and a stack's last event and its status are
// published in one transaction; clients rely on both.
//
// Packages: template (reading and evaluating, pure), sam (the serverless
// transform, pure), resource (the resource types).
package cloudformation
