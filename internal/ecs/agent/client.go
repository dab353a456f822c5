package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
)

const (
	maxAnswer = 8 << 20 // bytes of an API's answer
	userAgent = "Amazon ECS Agent"
)

// client makes requests as the task would: through its network namespace.
type client struct {
	http    *http.Client
	timeout time.Duration
	tries   int
}

func (a *Agent) newClient(dial DialFunc) *client {
	timeout := a.Pace.Attempt
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return dial(ctx, network, address)
		},
		TLSClientConfig:       &tls.Config{RootCAs: a.RootCAs(), MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: 4 * timeout,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true,
	}
	return &client{http: &http.Client{Transport: transport}, timeout: timeout, tries: a.Pace.Attempts}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends a request, again if it could not be delivered and the pace has more
// attempts. The request must have GetBody or no body.
func (c *client) do(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := c.http.Do(r)
		if err == nil || try >= c.tries || r.Context().Err() != nil {
			return answer, err
		}
		if r.GetBody != nil {
			r.Body, _ = r.GetBody()
		}
	}
}

// apiError is an answer of an AWS API that is not success.
type apiError struct {
	Operation string
	Status    int
	RequestID string
	Code      string
	Message   string
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// sdk is the error as AWS's SDK for Go words it.
func (e *apiError) sdk() string {
	return fmt.Sprintf("https response error StatusCode: %d, RequestID: %s, api error %s: %s", e.Status, e.RequestID, e.Code, e.Message)
}

// api names an AWS API that speaks JSON.
type api struct {
	host, target, signing, version string
	endpoint                       string // where it is, if not at AWS's name for the region
}

var (
	ecrAPI     = api{host: "api.ecr", target: "AmazonEC2ContainerRegistry_V20150921", signing: "ecr", version: "1.1"}
	secretsAPI = api{host: "secretsmanager", target: "secretsmanager", signing: "secretsmanager", version: "1.1"}
	ssmAPI     = api{host: "ssm", target: "AmazonSSM", signing: "ssm", version: "1.1"}
)

// logsAPI is CloudWatch Logs as a container's log configuration names it.
func logsAPI(options map[string]string) api {
	return api{host: "logs", target: "Logs_20140328", signing: "logs", version: "1.1", endpoint: options["awslogs-endpoint"]}
}

func (to api) url(region string) string {
	if to.endpoint != "" {
		return to.endpoint
	}
	return "https://" + to.host + "." + region + ".amazonaws.com/"
}

// call calls an operation with the credentials of a role session. Errors:
// *apiError when the service answered so, else why it could not be asked.
func (c *client) call(ctx context.Context, to api, region, operation string, creds Credentials, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url(region), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-"+to.version)
	r.Header.Set("X-Amz-Target", to.target+"."+operation)
	r.Header.Set("User-Agent", userAgent)
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken}, region, to.signing, body, time.Now())
	answer, err := c.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return readAPIError(operation, answer, content)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(content, out)
}

func readAPIError(operation string, answer *http.Response, content []byte) error {
	var body struct {
		Type     string `json:"__type"`
		Message  string `json:"message"`
		Message2 string `json:"Message"`
	}
	if json.Unmarshal(content, &body) != nil || body.Type == "" {
		body.Type, body.Message = http.StatusText(answer.StatusCode), string(content[:min(len(content), 200)])
	}
	if body.Message == "" {
		body.Message = body.Message2
	}
	for i := len(body.Type) - 1; i >= 0; i-- {
		if body.Type[i] == '#' {
			body.Type = body.Type[i+1:]
			break
		}
	}
	return &apiError{Operation: operation, Status: answer.StatusCode, RequestID: answer.Header.Get("X-Amzn-Requestid"), Code: body.Type, Message: body.Message}
}

// refused returns the answer of the service in err, nil if it did not answer.
func refused(err error) *apiError {
	var e *apiError
	errors.As(err, &e)
	return e
}
