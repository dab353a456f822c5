// Package control serves /_neargate/: health for anybody, and an API for
// Neargate's own commands, signed like any AWS request (service "neargate") by
// the root user of an account. Compatible spellings of other emulators' health
// page are served under /_localstack/.
//
// The commands use AWS operations through POST /_neargate/api/invoke/SERVICE/OPERATION,
// which takes and gives the generated shapes as JSON and goes through the
// gateway's chain as the caller, so no second client is needed.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
)

// maxRequest bounds the body of a request that is held in memory.
const maxRequest = 8 << 20

// Keys finds out who is behind an access key; see gateway.Keys.
type Keys interface {
	Lookup(ctx context.Context, accessKeyID, token string, trusted bool) (secret string, id caller.Identity, err error)
}

// Route is one entry of the signed API.
type Route struct {
	Pattern string // as in http.ServeMux, below /_neargate/api: "GET /status"
	// Stream says that the handler reads the body itself.
	Stream bool
	// Handle answers with a value that is sent as JSON, or an error; *Error and
	// wire.Error choose the status. A nil value sends 204.
	Handle func(r *http.Request) (any, error)
}

// Server is the handler of /_neargate/. Keys, Version and Services must be set;
// add routes before it serves.
type Server struct {
	Keys     Keys
	Version  string
	Services []string // for the health page

	ready    atomic.Bool
	mux      http.ServeMux
	verifier sigv4.Verifier
}

// Error is a refusal with a hint for a person.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// SetReady says that everything has been started.
func (s *Server) SetReady() { s.ready.Store(true) }

// Handle adds a route to the signed API.
func (s *Server) Handle(route Route) {
	method, path, _ := strings.Cut(route.Pattern, " ")
	s.mux.HandleFunc(method+" /_neargate/api"+path, func(w http.ResponseWriter, r *http.Request) {
		r, err := s.authenticate(r, route.Stream)
		if err != nil {
			fail(w, err)
			return
		}
		out, err := route.Handle(r)
		switch {
		case err != nil:
			if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
				return // nobody waits for the answer any more
			}
			fail(w, err)
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			send(w, http.StatusOK, out)
		}
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_neargate/health", "/_localstack/health":
		s.health(w)
	case "/_neargate/ready", "/_localstack/init/ready":
		if !s.ready.Load() {
			send(w, http.StatusServiceUnavailable, map[string]bool{"completed": false})
			return
		}
		send(w, http.StatusOK, map[string]bool{"completed": true})
	case "/_localstack/info", "/_neargate/info":
		send(w, http.StatusOK, map[string]any{"version": s.Version, "edition": "neargate", "is_license_activated": false})
	default:
		s.mux.ServeHTTP(w, r)
	}
}

func (s *Server) health(w http.ResponseWriter) {
	status, state := http.StatusOK, "running"
	if !s.ready.Load() {
		status, state = http.StatusServiceUnavailable, "starting"
	}
	services := map[string]string{}
	for _, name := range s.Services {
		services[name] = state
	}
	send(w, status, map[string]any{"status": state, "services": services, "version": s.Version, "edition": "neargate"})
}

// authenticate verifies the signature and that the caller is a root user.
func (s *Server) authenticate(r *http.Request, stream bool) (*http.Request, error) {
	sig, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	if sig.Service != "neargate" {
		return nil, &sigv4.Error{Kind: sigv4.BadScope, Detail: "Credential should be scoped to correct service: 'neargate'."}
	}
	secret, id, err := s.Keys.Lookup(r.Context(), sig.AccessKeyID, sig.Token, fromLoopback(r))
	if err != nil {
		return nil, err
	}
	if stream {
		if err := s.verifier.VerifyStream(r, sig, secret); err != nil {
			return nil, err
		}
	} else if err := s.verifyInMemory(r, sig, secret); err != nil {
		return nil, err
	}
	if id.Type != caller.Root {
		return nil, &Error{Status: http.StatusForbidden, Code: "iam.not-root", Message: "only the root user of an account may use Neargate's own API, not " + id.ARN}
	}
	id.Region, id.AccessKeyID, id.SecureTransport = sig.Region, sig.AccessKeyID, true
	id.SourceIP = netip.MustParseAddr("203.0.113.1")
	id.UserAgent, id.RequestID = "neargate", ids.UUID()
	return r.WithContext(caller.With(r.Context(), id)), nil
}

func (s *Server) verifyInMemory(r *http.Request, sig *sigv4.Signature, secret string) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return err
	}
	if len(body) > maxRequest {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "request.too-large", Message: "the request is larger than 8 MiB"}
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return s.verifier.VerifyBody(r, sig, secret, body)
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// fail answers an error.
func fail(w http.ResponseWriter, err error) {
	var own *Error
	var aws wire.Error
	switch {
	case errors.As(err, &own):
	case errors.As(err, &aws):
		own = &Error{Status: aws.HTTPStatus(), Code: aws.ErrorCode(), Message: aws.ErrorMessage()}
	default:
		if code, status, message, ok := sigv4.Answer(err, sigv4.REST); ok {
			own = &Error{Status: status, Code: code, Message: message}
			break
		}
		slog.Error("internal failure of the control API", "error", err)
		own = &Error{Status: http.StatusInternalServerError, Code: "internal", Message: err.Error()}
	}
	send(w, own.Status, own)
}

func send(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		slog.Error("encoding an answer of the control API", "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"code":"internal","message":"the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
