package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/client"
	"github.com/neargate/neargate/internal/instance"
)

// locate finds the instance that a command means: NEARGATE_ENDPOINT, or the one
// of the data directory.
func locate(opts *options) (instance.Info, error) {
	if endpoint := os.Getenv("NEARGATE_ENDPOINT"); endpoint != "" {
		return instance.Info{Endpoint: strings.TrimRight(endpoint, "/"), Region: defaultRegion()}, nil
	}
	info, running, err := instance.Find(opts.dataDir)
	if err != nil || !running {
		return info, &cli.Error{
			What: "no Neargate is running on " + opts.dataDir,
			Why:  "commands find an instance by --data-dir, or by NEARGATE_ENDPOINT",
			Fix:  "sudo neargate up -d",
			Code: "host.not-running", Exit: cli.ExitUnreachable,
		}
	}
	return info, nil
}

func defaultRegion() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	return "us-east-1"
}

// remote is the running instance as a command calls it: a client whose errors
// are told to a person.
type remote struct {
	*client.Client
}

// connect finds the instance and returns a way to call it with the keys of the
// environment when they are ours (LKIA...), and as the operator otherwise.
func connect(opts *options) (*remote, error) {
	info, err := locate(opts)
	if err != nil {
		return nil, err
	}
	c := &client.Client{Endpoint: info.Endpoint, Region: info.Region, Key: client.Operator}
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); strings.HasPrefix(id, "LKIA") || strings.HasPrefix(id, "LSIA") {
		c.Key = sigv4.Credentials{AccessKeyID: id, SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
	}
	for _, name := range []string{"AWS_DEFAULT_REGION", "AWS_REGION"} {
		if region := os.Getenv(name); region != "" {
			c.Region = region
		}
	}
	return &remote{c}, nil
}

// Invoke implements wire.Invoker.
func (r *remote) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	out, err := r.Client.Invoke(ctx, service, operation, in)
	return out, r.tell(err)
}

// call is client.Call.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	return r.tell(r.Client.Call(ctx, method, path, in, out))
}

// stream is client.Stream.
func (r *remote) stream(ctx context.Context, method, path string, body io.Reader, out any) error {
	return r.tell(r.Client.Stream(ctx, method, path, body, out))
}

// tell gives an error the form in which a person sees it.
func (r *remote) tell(err error) error {
	var refused *client.Error
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if !errors.As(err, &refused) {
		return &cli.Error{What: "cannot reach Neargate at " + r.Endpoint, Why: err.Error(), Fix: "neargate status", Code: "host.unreachable", Exit: cli.ExitUnreachable}
	}
	exit := cli.ExitFailure
	switch refused.Status {
	case http.StatusNotFound:
		exit = cli.ExitNotFound
	case http.StatusForbidden, http.StatusUnauthorized:
		exit = cli.ExitPermission
	case http.StatusConflict:
		exit = cli.ExitConflict
	}
	return &cli.Error{What: refused.Message, Code: refused.Code, Fix: refused.Fix, Exit: exit}
}
