// Package taskdef checks and normalises task definitions.
//
// Build takes a RegisterTaskDefinition request, refuses what AWS refuses in
// AWS's words and what Neargate does not carry out by its name, fills in what
// AWS fills in, and returns the record. Describe is the way back: exactly what
// DescribeTaskDefinition shows, which Terraform and CloudFormation compare. It is
// pure; packages ecs and why (which needs the sizes) use it.
package taskdef

import (
	"fmt"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// clientError is a ClientException with a text of AWS's.
func clientError(format string, args ...any) error {
	return &ecsapi.ClientException{Message: fmt.Sprintf(format, args...)}
}

// unsupported refuses a property that AWS has and Neargate does not carry out.
func unsupported(property string) error {
	return clientError("Neargate does not carry out %s.", property)
}

// notOnFargate refuses a property as AWS does for tasks of Fargate.
func notOnFargate(property string) error {
	return clientError("Fargate compatible task definitions do not support %s.", property)
}
