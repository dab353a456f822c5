package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// A load balancer's unit-hours are the minutes' units, of its own kind and since it was made.
func TestUnitHoursOfLoadBalancers(t *testing.T) {
	numbers, err := metrics.Open(filepath.Join(t.TempDir(), "metrics.db"), slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer numbers.Close()
	now := time.Now().Truncate(time.Minute)
	b := &state.LoadBalancer{Account: "000000000000", Region: "us-east-1", Path: "app/front/1", Type: "application", CreatedAt: now.Add(-2 * time.Hour)}
	record := func(namespace, path string, at time.Time, units float64) {
		numbers.Metric(metrics.Key{Account: b.Account, Region: b.Region, Namespace: namespace, Name: "ConsumedLCUs", Unit: "Count",
			Dimensions: metrics.Dims(metrics.Dimension{Name: "LoadBalancer", Value: path})}).Record(at, units)
	}
	record("AWS/ApplicationELB", b.Path, now.Add(-90*time.Minute), 30)
	record("AWS/ApplicationELB", b.Path, now.Add(-30*time.Minute), 60)
	record("AWS/ApplicationELB", "app/other/2", now.Add(-30*time.Minute), 600)
	record("AWS/NetworkELB", "net/front/1", now.Add(-30*time.Minute), 6)
	units, since, err := unitHours(t.Context(), numbers)(b, now)
	if err != nil || units != 1.5 || !since.Equal(b.CreatedAt) {
		t.Errorf("%v unit-hours since %s, %v", units, since, err)
	}
	network := *b
	network.Path, network.Type, network.CreatedAt = "net/front/1", "network", now.Add(-40*24*time.Hour)
	units, since, err = unitHours(t.Context(), numbers)(&network, now)
	if err != nil || units != 0.1 || !since.Equal(now.Add(-unitsKept)) {
		t.Errorf("of a network load balancer: %v unit-hours since %s, %v", units, since, err)
	}
}
