package gateway_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/gateway"
)

// leaving answers when its client has gone.
type leaving struct {
	stsapi.API
	leave context.CancelFunc
}

func (l leaving) GetCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	l.leave()
	<-ctx.Done()
	return nil, ctx.Err()
}

// A client that hangs up is not a failure of ours.
func TestClientsMayHangUp(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})))
	defer slog.SetDefault(before)

	ctx, leave := context.WithCancel(t.Context())
	g := gateway.New(gateway.Config{
		Keys: keys{}, Checker: checker{}, Region: "us-east-1", Control: http.NotFoundHandler(),
		S3Path: func(_, path string) (string, bool) { return path, true },
	})
	g.Mount(stsapi.Model, stsapi.Bind(leaving{leave: leave}), authorize.Service{Rules: map[string][]authorize.Rule{"GetCallerIdentity": nil}})
	req := httptest.NewRequestWithContext(ctx, "POST", "http://127.0.0.1:4566/", strings.NewReader(whoami))
	req.RemoteAddr = "127.0.0.1:1"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(req, sigv4.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "eu-west-1", "sts", []byte(whoami), time.Now())
	g.ServeHTTP(httptest.NewRecorder(), req)
	if ctx.Err() == nil {
		t.Fatal("the operation was not reached")
	}
	if log.Len() > 0 {
		t.Errorf("it is logged: %s", &log)
	}
}
