package route53

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/healthcheck"
	"github.com/neargate/neargate/internal/state"
)

// checkerRanges are the ranges that AWS publishes for its health checkers.
var checkerRanges = []string{
	"15.177.0.0/18", "54.183.255.128/26", "54.228.16.0/26", "54.232.40.64/26", "54.241.32.64/26", "54.243.31.192/26", "54.244.52.192/26", "54.245.168.0/26",
	"54.248.220.0/26", "54.250.253.192/26", "54.251.31.128/26", "54.252.79.128/26", "54.252.254.192/26", "54.255.254.192/26", "107.23.255.0/26",
	"176.34.159.192/26", "177.71.207.128/26",
}

// GetCheckerIpRanges lists the ranges that health checkers call from.
func (s *Service) GetCheckerIpRanges(context.Context, *route53api.GetCheckerIpRangesRequest) (*route53api.GetCheckerIpRangesResponse, error) {
	return &route53api.GetCheckerIpRangesResponse{CheckerIpRanges: slices.Clone(checkerRanges)}, nil
}

// observed are what the checkers of each region hold of a health check's endpoint,
// as of is told; regions that have not asked yet, or of which it says false, are left out.
func (s *Service) observed(h *state.DNSHealthCheck, of func(healthcheck.Opinion) (text string, at time.Time)) []route53api.HealthCheckObservation {
	out := []route53api.HealthCheckObservation{}
	for _, c := range s.Checkers {
		o, ok := s.opinion(h, c.Region)
		if !ok {
			continue
		}
		if text, at := of(o); text != "" {
			out = append(out, route53api.HealthCheckObservation{Region: route53api.HealthCheckRegion(c.Region), IPAddress: c.Addr.String(), StatusReport: &route53api.StatusReport{Status: text, CheckedTime: at.UTC()}})
		}
	}
	return out
}

// opinion is the present one of a region's checker, or the one that is on record.
func (s *Service) opinion(h *state.DNSHealthCheck, region string) (healthcheck.Opinion, bool) {
	if o, ok := s.checks.Opinion(healthcheck.Key{ID: h.ID, Region: region}); ok {
		return o, true
	}
	return recorded(s.DB.Read(), h.ID, region)
}

// GetHealthCheckStatus tells what the last request of each region's checker found.
func (s *Service) GetHealthCheckStatus(ctx context.Context, in *route53api.GetHealthCheckStatusRequest) (*route53api.GetHealthCheckStatusResponse, error) {
	h, err := healthCheck(ctx, s.DB.Read(), in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckStatusResponse{HealthCheckObservations: s.observed(h, func(o healthcheck.Opinion) (string, time.Time) { return o.Status, o.At })}, nil
}

// GetHealthCheckLastFailureReason tells why the last failed request of each region's
// checker failed.
func (s *Service) GetHealthCheckLastFailureReason(ctx context.Context, in *route53api.GetHealthCheckLastFailureReasonRequest) (*route53api.GetHealthCheckLastFailureReasonResponse, error) {
	h, err := healthCheck(ctx, s.DB.Read(), in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckLastFailureReasonResponse{HealthCheckObservations: s.observed(h, func(o healthcheck.Opinion) (string, time.Time) { return o.Failure, o.FailedAt })}, nil
}
