package serviceconnect

import (
	"strconv"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// Meters count what proxies carry, in AWS/ECS. What comes to a task is counted by
// its own proxy, for its service (DiscoveryName); what a task asks of others by its
// proxy, too, for its service as the one that asks (TargetDiscoveryName). A nil
// *Meters counts nothing. Not counted: ActiveConnectionCount, RequestCountPerTarget
// and failed handshakes.
type Meters struct {
	store *metrics.Store
	mu    sync.Mutex
	sets  map[meterKey]*meterSet
}

// NewMeters counts into a store.
func NewMeters(store *metrics.Store) *Meters {
	return &Meters{store: store, sets: map[meterKey]*meterSet{}}
}

// meterKey is what is counted together.
type meterKey struct {
	account, region, cluster, service string
	discovery                         string
	asked                             bool // by the service, of another
}

// meterSet are the metrics of one key; those of the other direction are unused.
type meterSet struct {
	requests, grpc, connections *metrics.Metric
	responseTime                *metrics.Metric // milliseconds
	bytes                       *metrics.Metric
	answers                     map[int]*metrics.Metric // by the first digit of the status
}

// of finds the metrics of a door of a task.
func (m *Meters) of(t *state.Task, s *state.ConnectService, endpoint *state.ConnectEndpoint) *meterSet {
	k := meterKey{t.Account, t.Region, t.Cluster, t.Service, s.Discovery(), endpoint != nil}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sets[k] == nil {
		m.sets[k] = m.newSet(k)
	}
	return m.sets[k]
}

func (m *Meters) newSet(k meterKey) *meterSet {
	name := "DiscoveryName"
	if k.asked {
		name = "TargetDiscoveryName"
	}
	discovery := metrics.Dimension{Name: name, Value: k.discovery}
	whole := metrics.Dims(discovery)
	own := metrics.Dims(discovery, metrics.Dimension{Name: "ServiceName", Value: k.service}, metrics.Dimension{Name: "ClusterName", Value: k.cluster})
	metric := func(name, unit string) *metrics.Metric {
		return m.store.Metric(metrics.Key{Account: k.account, Region: k.region, Namespace: "AWS/ECS", Name: name, Unit: unit, Dimensions: whole}, own)
	}
	if !k.asked {
		return &meterSet{
			requests: metric("RequestCount", "Count"), grpc: metric("GrpcRequestCount", "Count"), connections: metric("NewConnectionCount", "Count"), bytes: metric("ProcessedBytes", "Bytes"),
		}
	}
	set := &meterSet{responseTime: metric("TargetResponseTime", "Milliseconds"), bytes: metric("TargetProcessedBytes", "Bytes"), answers: map[int]*metrics.Metric{}}
	for digit := 2; digit <= 5; digit++ {
		set.answers[digit] = metric("HTTPCode_Target_"+strconv.Itoa(digit)+"XX_Count", "Count")
	}
	return set
}

// Request implements Observer.
func (m *Meters) Request(t *state.Task, s *state.ConnectService, endpoint *state.ConnectEndpoint, r *loadbalancer.AccessRecord) {
	if m == nil || t.Service == "" {
		return
	}
	set := m.of(t, s, endpoint)
	set.bytes.Record(r.Done, float64(r.ReceivedBytes+r.SentBytes))
	if endpoint == nil {
		set.requests.Record(r.Done, 1)
		if s.Protocol == "grpc" {
			set.grpc.Record(r.Done, 1)
		}
		return
	}
	if answers := set.answers[r.TargetStatus/100]; answers != nil {
		answers.Record(r.Done, 1)
		set.responseTime.Record(r.Done, float64(r.TargetTime)/float64(time.Millisecond))
	}
}

// Connection implements Observer.
func (m *Meters) Connection(t *state.Task, s *state.ConnectService, endpoint *state.ConnectEndpoint, r *loadbalancer.ConnectionRecord) {
	if m == nil || t.Service == "" {
		return
	}
	set := m.of(t, s, endpoint)
	if s.Protocol == "" { // TCP: requests are not told apart
		set.bytes.Record(r.Closed, float64(r.Received+r.Sent))
	}
	if endpoint == nil {
		set.connections.Record(r.Opened, 1)
	}
}
