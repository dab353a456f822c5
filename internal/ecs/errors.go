package ecs

import (
	"errors"
	"fmt"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/wire"
)

// The errors of ECS, in AWS's words.

func clientError(format string, args ...any) error {
	return &ecsapi.ClientException{Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &ecsapi.InvalidParameterException{Message: fmt.Sprintf(format, args...)}
}

// unsupported refuses what AWS has and Neargate does not carry out.
func unsupported(what string) error {
	return &ecsapi.UnsupportedFeatureException{Message: "Neargate does not carry out " + what + "."}
}

func clusterNotFound() error {
	return &ecsapi.ClusterNotFoundException{Message: "Cluster not found."}
}

func serviceNotFound() error {
	return &ecsapi.ServiceNotFoundException{Message: "Service not found."}
}

func serviceNotActive() error {
	return &ecsapi.ServiceNotActiveException{Message: "Service was not ACTIVE."}
}

// message is the text of an error for people, without its code.
func message(err error) string {
	var api wire.Error
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

// roleProblem is what ECS says of a role that cannot be handed to a task.
func roleProblem(roleARN string) string {
	return fmt.Sprintf("ECS was unable to assume the role '%s' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.", roleARN)
}
