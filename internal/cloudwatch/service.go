package cloudwatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/store"
)

// Options are what the service needs. Without Metrics there are no metrics, and
// nothing that is put is kept: so do rehearsals.
type Options struct {
	DB      *store.DB
	Metrics *metrics.Store
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
}

// Service is Amazon CloudWatch. Its methods are the generated API.
type Service struct {
	Options
	alarms reconcile.Loop // keys of alarms
}

var _ cloudwatchapi.API = (*Service)(nil)

// New returns the service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Options: o}
	s.alarms = reconcile.Loop{Name: "cloudwatch.alarm", Do: s.evaluate}
	s.DB.OnCommit(s.notice)
	return s
}

// Run evaluates alarms until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	s.addAll()
	return s.alarms.Run(ctx)
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// The errors of the older part of the API.

func invalid(format string, args ...any) error {
	return &cloudwatchapi.InvalidParameterValueException{Message: fmt.Sprintf(format, args...)}
}

func combination(format string, args ...any) error {
	return &cloudwatchapi.InvalidParameterCombinationException{Message: fmt.Sprintf(format, args...)}
}

func missing(parameter string) error {
	return &cloudwatchapi.MissingRequiredParameterException{Message: "The parameter " + parameter + " is required."}
}

// validation is the error of alarms and GetMetricData.
func validation(format string, args ...any) error {
	return wire.NewError("ValidationError", 400, "%s", fmt.Sprintf(format, args...))
}

// refused is for what CloudWatch can do and we cannot.
func refused(what string) error { return validation("%s is not carried out by Neargate yet.", what) }

var errToken = &cloudwatchapi.InvalidNextToken{Message: "The specified nextToken is invalid."}
