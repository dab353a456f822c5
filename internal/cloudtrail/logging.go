package cloudtrail

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// StartLogging begins to deliver what happens from now on. To start a trail that
// delivers already changes nothing.
func (s *Service) StartLogging(ctx context.Context, in *cloudtrailapi.StartLoggingRequest) (*cloudtrailapi.StartLoggingResponse, error) {
	_, err := s.update(ctx, in.Name, func(t *state.Trail) error {
		if !t.Logging {
			t.Logging, t.StartedAt, t.Delivered = true, s.Now().UTC(), nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.StartLoggingResponse{}, nil
}

// StopLogging ends it.
func (s *Service) StopLogging(ctx context.Context, in *cloudtrailapi.StopLoggingRequest) (*cloudtrailapi.StopLoggingResponse, error) {
	_, err := s.update(ctx, in.Name, func(t *state.Trail) error {
		if t.Logging {
			t.Logging, t.StoppedAt = false, s.Now().UTC()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.StopLoggingResponse{}, nil
}

// GetTrailStatus tells whether a trail delivers, and how the last delivery went.
func (s *Service) GetTrailStatus(ctx context.Context, in *cloudtrailapi.GetTrailStatusRequest) (*cloudtrailapi.GetTrailStatusResponse, error) {
	t, err := s.find(s.DB.Read(), caller.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	out := &cloudtrailapi.GetTrailStatusResponse{
		IsLogging: t.Logging, StartLoggingTime: t.StartedAt, StopLoggingTime: t.StoppedAt, LatestDeliveryTime: t.Delivery.At, LatestDeliveryError: t.Delivery.Error,
		TimeLoggingStarted: text(t.StartedAt), TimeLoggingStopped: text(t.StoppedAt), LatestDeliveryAttemptTime: text(t.Delivery.AttemptedAt),
	}
	if t.Delivery.Error == "" {
		out.LatestDeliveryAttemptSucceeded = text(t.Delivery.At)
	}
	return out, nil
}

func text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05Z")
}
