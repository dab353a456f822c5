package iam

import (
	"fmt"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

func noSuchEntity(format string, args ...any) error {
	return &iamapi.NoSuchEntityException{Message: fmt.Sprintf(format, args...)}
}

func alreadyExists(format string, args ...any) error {
	return &iamapi.EntityAlreadyExistsException{Message: fmt.Sprintf(format, args...)}
}

func deleteConflict(message string) error {
	return &iamapi.DeleteConflictException{Message: message}
}

func limitExceeded(format string, args ...any) error {
	return &iamapi.LimitExceededException{Message: fmt.Sprintf(format, args...)}
}

func invalidInput(format string, args ...any) error {
	return &iamapi.InvalidInputException{Message: fmt.Sprintf(format, args...)}
}

func malformedPolicy(err error) error {
	return &iamapi.MalformedPolicyDocumentException{Message: err.Error()}
}

func validation(format string, args ...any) error {
	return wire.NewError("ValidationError", 400, "%s", fmt.Sprintf(format, args...))
}

func protectedRole(r *state.Role) error {
	return &iamapi.UnmodifiableEntityException{Message: "Cannot perform the operation on the protected role '" + r.Name + "' - this role is only modifiable by AWS"}
}
