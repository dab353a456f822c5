package route53

import (
	"context"
	"reflect"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxHealthChecks = 200 // of an account

// healthCheck finds a health check of the caller.
func healthCheck(ctx context.Context, tx *store.Tx, id string) (*state.DNSHealthCheck, error) {
	if h, ok := state.DNSHealthChecks.Get(tx, state.DNSHealthCheckKey(caller.From(ctx).Account, bare(id))); ok {
		return h, nil
	}
	return nil, &route53api.NoSuchHealthCheck{Message: "A health check with id " + bare(id) + " does not exist."}
}

// linkedTo is the service for which the caller acts, if it keeps health checks of its own.
func linkedTo(ctx context.Context) string {
	if who := caller.From(ctx); who.ViaService == cloudMap || who.Is(cloudMap) {
		return cloudMap
	}
	return ""
}

// CreateHealthCheck makes a health check. The same reference and settings again are
// the same health check.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
func (s *Service) CreateHealthCheck(ctx context.Context, in *route53api.CreateHealthCheckRequest) (*route53api.CreateHealthCheckResponse, error) {
	if err := refusedCheck(in.HealthCheckConfig); err != nil {
		return nil, err
	}
	account := caller.From(ctx).Account
	h := &state.DNSHealthCheck{Account: account, ID: ids.UUID(), CallerReference: in.CallerReference, Version: 1, Config: readCheck(in.HealthCheckConfig), LinkedService: linkedTo(ctx), CreatedAt: s.Now().UTC()}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		for old := range state.DNSHealthChecks.By(tx, "reference", account+"/"+in.CallerReference) {
			if !reflect.DeepEqual(old.Config, h.Config) {
				return &route53api.HealthCheckAlreadyExists{Message: "A health check with the caller reference " + in.CallerReference + " has already been created with different settings."}
			}
			h = old
			return nil
		}
		if err := checkFault(ctx, tx, h); err != nil {
			return err
		}
		n := 0
		for range state.DNSHealthChecks.All(tx, account+"/") {
			n++
		}
		if n >= maxHealthChecks {
			return &route53api.TooManyHealthChecks{Message: "You have reached the limit of " + strconv.Itoa(maxHealthChecks) + " health checks."}
		}
		state.DNSHealthChecks.Put(tx, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.CreateHealthCheckResponse{HealthCheck: viewCheck(h), Location: "https://route53.amazonaws.com/2013-04-01/healthcheck/" + h.ID}, nil
}

// GetHealthCheck describes a health check.
func (s *Service) GetHealthCheck(ctx context.Context, in *route53api.GetHealthCheckRequest) (*route53api.GetHealthCheckResponse, error) {
	h, err := healthCheck(ctx, s.DB.Read(), in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckResponse{HealthCheck: viewCheck(h)}, nil
}

// GetHealthCheckCount counts the account's health checks.
func (s *Service) GetHealthCheckCount(ctx context.Context, _ *route53api.GetHealthCheckCountRequest) (*route53api.GetHealthCheckCountResponse, error) {
	out := &route53api.GetHealthCheckCountResponse{}
	for range state.DNSHealthChecks.All(s.DB.Read(), caller.From(ctx).Account+"/") {
		out.HealthCheckCount++
	}
	return out, nil
}

// ListHealthChecks lists the account's health checks by id.
func (s *Service) ListHealthChecks(ctx context.Context, in *route53api.ListHealthChecksRequest) (*route53api.ListHealthChecksResponse, error) {
	most, err := items(in.MaxItems, maxZones)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListHealthChecksResponse{HealthChecks: []route53api.HealthCheck{}, Marker: in.Marker, MaxItems: strconv.Itoa(most)}
	for h := range state.DNSHealthChecks.All(s.DB.Read(), caller.From(ctx).Account+"/") {
		if h.ID < in.Marker {
			continue
		}
		if len(out.HealthChecks) == most {
			out.IsTruncated, out.NextMarker = true, h.ID
			break
		}
		out.HealthChecks = append(out.HealthChecks, *viewCheck(h))
	}
	return out, nil
}

// UpdateHealthCheck changes what is given, and takes back what is to be reset.
func (s *Service) UpdateHealthCheck(ctx context.Context, in *route53api.UpdateHealthCheckRequest) (*route53api.UpdateHealthCheckResponse, error) {
	if in.AlarmIdentifier != nil || in.InsufficientDataHealthStatus != "" {
		return nil, refused("health checks of CloudWatch alarms")
	}
	var changed state.DNSHealthCheck
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		h, err := healthCheck(ctx, tx, in.HealthCheckId)
		switch {
		case err != nil:
			return err
		case in.HealthCheckVersion != nil && *in.HealthCheckVersion != h.Version:
			return &route53api.HealthCheckVersionMismatch{Message: "The value of HealthCheckVersion in the request doesn't match the value of HealthCheckVersion in the health check."}
		case h.LinkedService != "" && h.LinkedService != linkedTo(ctx):
			return managed(h)
		}
		changed = *h
		changed.Version++
		updateCheck(&changed.Config, in)
		if err := checkFault(ctx, tx, &changed); err != nil {
			return err
		}
		state.DNSHealthChecks.Put(tx, &changed)
		return nil
	})
	return &route53api.UpdateHealthCheckResponse{HealthCheck: viewCheck(&changed)}, err
}

func managed(h *state.DNSHealthCheck) error {
	return wire.NewError("AccessDenied", 403, "The resource healthcheck/%s can only be managed through %s", h.ID, h.LinkedService)
}

// DeleteHealthCheck deletes a health check. Record sets that name it count as healthy from now on.
func (s *Service) DeleteHealthCheck(ctx context.Context, in *route53api.DeleteHealthCheckRequest) (*route53api.DeleteHealthCheckResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		h, err := healthCheck(ctx, tx, in.HealthCheckId)
		switch {
		case err != nil:
			return err
		case h.LinkedService != "" && h.LinkedService != linkedTo(ctx):
			return managed(h)
		}
		for _, o := range slices.Collect(state.DNSHealthCheckOpinions.All(tx, h.ID+"/")) {
			state.DNSHealthCheckOpinions.Delete(tx, o.Key())
		}
		state.DNSHealthChecks.Delete(tx, h.Key())
		return nil
	})
	return &route53api.DeleteHealthCheckResponse{}, err
}
