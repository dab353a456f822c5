package control

import (
	"encoding/json"
	"net/http"

	"github.com/neargate/neargate/internal/aws/wire"
)

// Invoke is the route by which commands call AWS operations: through the chain
// of the gateway, with generated shapes as JSON in their Go spelling.
func Invoke(invoker wire.Invoker, services []*wire.Service) Route {
	byPrefix := map[string]*wire.Service{}
	for _, s := range services {
		byPrefix[s.EndpointPrefix] = s
	}
	return Route{Pattern: "POST /invoke/{service}/{operation}", Handle: func(r *http.Request) (any, error) {
		service := byPrefix[r.PathValue("service")]
		if service == nil {
			return nil, &Error{Status: http.StatusNotFound, Code: "api.unknown", Message: "unknown service " + r.PathValue("service")}
		}
		op := service.Operation(r.PathValue("operation"))
		if op == nil {
			return nil, &Error{Status: http.StatusNotFound, Code: "api.unknown", Message: service.ID + " has no operation " + r.PathValue("operation")}
		}
		in := op.NewInput()
		if err := json.NewDecoder(r.Body).Decode(in); err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Code: "request.malformed", Message: "the input of " + op.Name + " is malformed: " + err.Error()}
		}
		return invoker.Invoke(r.Context(), service, op.Name, in)
	}}
}
