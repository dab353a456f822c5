package cloudformation

import (
	"errors"
	"strings"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/ids"
)

// invalid is CloudFormation's ValidationError.
func invalid(format string, args ...any) wire.Error {
	return wire.NewError("ValidationError", 400, format, args...)
}

// notCarriedOut refuses a part of a request by its name.
func notCarriedOut(what string) wire.Error {
	return invalid("Neargate does not carry out %s", what)
}

// answer turns a template's error into what the API answers.
func answer(err error) error {
	var broken *template.Error
	if errors.As(err, &broken) {
		return wire.NewError("ValidationError", 400, "%s", broken.Message)
	}
	return err
}

// message is the text of an error for a status reason.
func message(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorMessage()
	}
	return err.Error()
}

// handlerCodes maps endings of error codes to HandlerErrorCodes.
var handlerCodes = []struct{ contains, code string }{
	{"AccessDenied", "AccessDenied"}, {"UnauthorizedOperation", "AccessDenied"}, {"NotFound", "NotFound"}, {"NoSuch", "NotFound"},
	{"AlreadyExists", "AlreadyExists"}, {"Duplicate", "AlreadyExists"}, {"LimitExceeded", "ServiceLimitExceeded"}, {"Throttl", "Throttling"},
}

// reason is the ResourceStatusReason of a resource whose handler failed.
func reason(typ string, err error) string {
	code, text := "GeneralServiceException", err.Error()
	var broken *template.Error
	var failure *resource.Failure
	var e wire.Error
	switch {
	case errors.As(err, &broken):
		return broken.Message
	case errors.As(err, &failure):
		if code, text = failure.Code, failure.Message; code == "AlreadyExists" && strings.HasPrefix(text, "Resource of type ") || code == "" {
			return text
		}
	case errors.As(err, &e):
		code = "InvalidRequest"
		for _, h := range handlerCodes {
			if strings.Contains(e.ErrorCode(), h.contains) {
				code = h.code
				break
			}
		}
		parts := strings.Split(typ, "::")
		service := parts[min(1, len(parts)-1)]
		if e.HTTPStatus() >= 500 {
			code = "ServiceInternalError"
		}
		if len(service) > 2 && strings.ToUpper(service) == service {
			service = service[:1] + strings.ToLower(service[1:])
		}
		text = e.ErrorMessage() + " (Service: " + service + ", Status Code: " + itoa(e.HTTPStatus()) + ", Request ID: " + ids.UUID() + ")"
	}
	return "Resource handler returned message: \"" + text + "\" (RequestToken: " + ids.UUID() + ", HandlerErrorCode: " + code + ")"
}
