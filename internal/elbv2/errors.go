package elbv2

import (
	"fmt"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
)

func invalid(format string, args ...any) error {
	return wire.NewError("ValidationError", 400, "%s", fmt.Sprintf(format, args...))
}

// unsupported refuses what AWS has and we do not carry out.
func unsupported(what string) error {
	return invalid("%s is not carried out by Neargate yet.", what)
}

func configuration(format string, args ...any) error {
	return &elbv2api.InvalidConfigurationRequestException{Message: fmt.Sprintf(format, args...)}
}

func invalidAction(format string, args ...any) error {
	return &elbv2api.InvalidLoadBalancerActionException{Message: fmt.Sprintf(format, args...)}
}

func notPermitted(format string, args ...any) error {
	return &elbv2api.OperationNotPermittedException{Message: fmt.Sprintf(format, args...)}
}
