// Package client calls a running Neargate: Neargate's own API, AWS operations
// through it (a Client is a wire.Invoker, so the generated clients work on
// it), and S3. The commands, the benches and the end-to-end tests use it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// Operator is the operator's fixed key: accepted from loopback only, and never
// valid on AWS.
var Operator = sigv4.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// Client calls one instance as one principal. All fields must be set.
type Client struct {
	Endpoint string // http://127.0.0.1:4566
	Region   string
	Key      sigv4.Credentials
}

// Error is a refusal. Its code is AWS's for AWS operations. It implements wire.Error.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func (e *Error) Error() string { return wire.ErrorText(e) }

// ErrorCode implements wire.Error.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage implements wire.Error.
func (e *Error) ErrorMessage() string { return e.Message }

// HTTPStatus implements wire.Error.
func (e *Error) HTTPStatus() int { return e.Status }

// Invoke implements wire.Invoker. The error is an *Error, or one of the connection.
func (c *Client) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	op := service.Operation(operation)
	if op == nil {
		return nil, fmt.Errorf("%s has no operation %s", service.ID, operation)
	}
	var out any
	if op.NewOutput != nil {
		out = op.NewOutput()
	}
	path := "/_neargate/api/invoke/" + service.EndpointPrefix + "/" + operation
	if err := c.Call(ctx, http.MethodPost, path, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Call sends a signed request with a JSON body and reads the JSON answer into
// out, which may be nil. The error is an *Error, or one of the connection.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return c.answer(c.Send(ctx, method, path, "neargate", body))(out)
}

// Stream is Call with a body that is not held in memory; its signature does not
// cover the body.
func (c *Client) Stream(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.Endpoint+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)
	sigv4.Sign(req, c.Key, c.Region, "neargate", nil, time.Now())
	return c.answer(http.DefaultClient.Do(req))(out)
}

// Send signs a request for a service ("s3", "neargate") and returns the answer,
// whatever its status.
func (c *Client) Send(ctx context.Context, method, path, service string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	sigv4.Sign(req, c.Key, c.Region, service, body, time.Now())
	return http.DefaultClient.Do(req)
}

// answer returns a function that reads a response into out.
func (c *Client) answer(res *http.Response, err error) func(out any) error {
	return func(out any) error {
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return err
		}
		if res.StatusCode >= 300 {
			return refusal(res.StatusCode, text)
		}
		if out == nil || len(text) == 0 {
			return nil
		}
		return json.Unmarshal(text, out)
	}
}

func refusal(status int, text []byte) error {
	e := &Error{Status: status}
	if json.Unmarshal(text, e) != nil || e.Message == "" {
		e.Code, e.Message = "internal", fmt.Sprintf("status %d: %s", status, strings.TrimSpace(string(text)))
	}
	return e
}
