package route53

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/healthcheck"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// hurry is how many times more often endpoints are asked when pure waits are shortened.
const hurry = 10

// init makes the checkers, and lets them see every change of a health check.
func (s *Service) init() {
	s.wake = make(chan struct{}, 1)
	s.checks = healthcheck.New(healthcheck.Options{Dial: s.Dial, Resolve: s.Resolve, Report: s.report})
	s.DB.OnCommit(func(changes []store.Change) {
		if slices.ContainsFunc(changes, func(c store.Change) bool { return c.Table == state.DNSHealthChecks.Name() }) {
			select {
			case s.wake <- struct{}{}:
			default:
			}
		}
	})
}

// Run checks the endpoints of all health checks until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.checks.Run(ctx) })
	group.Go(func() error {
		for {
			s.checks.Set(s.targets(s.DB.Read()))
			select {
			case <-ctx.Done():
				return nil
			case <-s.wake:
			}
		}
	})
	return group.Wait()
}

// targets is what is to be asked, and from where.
func (s *Service) targets(tx *store.Tx) []healthcheck.Target {
	var out []healthcheck.Target
	for h := range state.DNSHealthChecks.All(tx, "") {
		if h.Config.Type == "CALCULATED" || h.Config.IsDisabled() {
			continue
		}
		check := endpoint(h.Config)
		if s.Hurry {
			check.Interval /= hurry
		}
		for _, c := range s.Checkers {
			if h.Config.Regions != nil && !slices.Contains(h.Config.Regions, c.Region) {
				continue
			}
			last, _ := recorded(tx, h.ID, c.Region)
			out = append(out, healthcheck.Target{Key: healthcheck.Key{ID: h.ID, Region: c.Region}, Check: check, Last: last})
		}
	}
	return out
}

// endpoint is how the endpoint of a health check is asked.
func endpoint(c state.DNSHealthCheckConfig) healthcheck.Check {
	out := healthcheck.Check{Type: c.Type, Name: strings.TrimSuffix(c.FQDN, "."), Path: c.ResourcePath, Search: c.SearchString, SNI: *c.EnableSNI,
		Interval: time.Duration(*c.RequestInterval) * time.Second, Threshold: int(*c.FailureThreshold)}
	if c.IPAddress != "" {
		out.Addr, _ = netip.ParseAddr(c.IPAddress)
	}
	switch {
	case c.Port != nil:
		out.Port = uint16(*c.Port)
	case strings.HasPrefix(c.Type, "HTTPS"):
		out.Port = 443
	default:
		out.Port = 80
	}
	return out
}

// recorded is the opinion of a region's checker that is on record.
func recorded(tx *store.Tx, id, region string) (healthcheck.Opinion, bool) {
	o, ok := state.DNSHealthCheckOpinions.Get(tx, id+"/"+region)
	if !ok {
		return healthcheck.Opinion{}, false
	}
	return healthcheck.Opinion{Failing: o.Failing, Status: o.Status, At: o.At, Failure: o.Failure, FailedAt: o.FailedAt}, true
}

// report puts a changed opinion on record, where resolvers see it.
func (s *Service) report(k healthcheck.Key, o healthcheck.Opinion) {
	err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
		for range state.DNSHealthChecks.By(tx, "id", k.ID) { // it may be gone meanwhile
			state.DNSHealthCheckOpinions.Put(tx, &state.DNSHealthCheckOpinion{HealthCheckID: k.ID, Region: k.Region, Failing: o.Failing, Status: o.Status, At: o.At.UTC(), Failure: o.Failure, FailedAt: o.FailedAt.UTC()})
		}
		return nil
	})
	if err != nil {
		s.Log.Error("the result of a health check was not stored", "health-check", k.ID, "region", k.Region, "error", err)
	}
}
