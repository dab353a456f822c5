package serviceconnect

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/metrics"
)

// What is carried counts at the service that it comes to, by its discovery name, and
// at the service that asks, by the name that it asks for.
func TestProxiesCount(t *testing.T) {
	store, err := metrics.Open(filepath.Join(t.TempDir(), "metrics.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := newWorld(t)
	w.Observe = NewMeters(store)
	w.run()
	w.eventually("the server answers", func() bool { return w.ask() == "app backend:8080" })
	sum := func(name, unit, dimension, service string) (sum float64) {
		t.Helper()
		dims := []metrics.Dimension{{Name: dimension, Value: "web"}}
		if service != "" {
			dims = append(dims, metrics.Dimension{Name: "ServiceName", Value: service}, metrics.Dimension{Name: "ClusterName", Value: "c"})
		}
		k := metrics.Key{Account: account, Region: region, Namespace: "AWS/ECS", Name: name, Unit: unit, Dimensions: metrics.Dims(dims...)}
		points, err := store.Read(t.Context(), k, time.Hour, time.Now().Add(-time.Hour).Truncate(time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			sum += p.Sum
		}
		return sum
	}
	for _, c := range []struct{ name, unit, dimension, service string }{
		{"RequestCount", "Count", "DiscoveryName", ""}, {"RequestCount", "Count", "DiscoveryName", "back"}, {"ProcessedBytes", "Bytes", "DiscoveryName", "back"},
		{"HTTPCode_Target_2XX_Count", "Count", "TargetDiscoveryName", ""}, {"HTTPCode_Target_2XX_Count", "Count", "TargetDiscoveryName", "front"},
		{"TargetResponseTime", "Milliseconds", "TargetDiscoveryName", "front"}, {"TargetProcessedBytes", "Bytes", "TargetDiscoveryName", "front"},
		{"NewConnectionCount", "Count", "DiscoveryName", "back"},
	} {
		if c.name == "NewConnectionCount" { // counted when it ends
			w.Close(w.task(caller).Key())
		}
		w.eventually(c.name+" by "+c.dimension+" of "+c.service, func() bool { return sum(c.name, c.unit, c.dimension, c.service) > 0 })
	}
	for _, c := range []struct{ name, dimension, service string }{{"RequestCount", "DiscoveryName", "front"}, {"RequestCount", "TargetDiscoveryName", ""}, {"HTTPCode_Target_5XX_Count", "DiscoveryName", ""}} {
		if n := sum(c.name, "Count", c.dimension, c.service); n != 0 {
			t.Errorf("%s by %s of %q is %v", c.name, c.dimension, c.service, n)
		}
	}
}
