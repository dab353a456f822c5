package elbv2

import (
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
)

// networkELB is the namespace of what network load balancers do.
const networkELB = "AWS/NetworkELB"

func namespaceOf(b *state.LoadBalancer) string {
	if b.Network() {
		return networkELB
	}
	return applicationELB
}

// flow counts a flow that has ended, in the names of AWS/NetworkELB. Its bytes count
// only now.
func (m *meters) flow(r *loadbalancer.ConnectionRecord) {
	dims := m.whole(r.Zone)
	once := func(name string, is bool) {
		if is {
			m.metric(name, unitCount, dims...).Record(r.Closed, 1)
		}
	}
	bytes := r.Received + r.Sent
	m.processed.Add(bytes)
	for _, name := range []string{"ProcessedBytes", "ProcessedBytes_" + string(r.Protocol)} {
		if bytes > 0 {
			m.metric(name, unitBytes, dims...).Record(r.Closed, float64(bytes))
		}
	}
	once("TCP_Client_Reset_Count", r.ClientReset)
	once("TCP_Target_Reset_Count", r.TargetReset)
	once("TCP_ELB_Reset_Count", r.Rejected && r.Protocol != loadbalancer.UDP)
	once("ClientTLSNegotiationErrorCount", r.TLSFailed)
	once("TargetTLSNegotiationErrorCount", r.TargetTLSFailed)
}

// What one capacity unit of a network load balancer is good for, of TCP, by AWS's
// price list; bytes are as those of application load balancers.
const (
	unitNewFlows    = 800    // per second
	unitActiveFlows = 100000 // per minute
)

// connectionNames are the names of the gauges of connections, and what a capacity
// unit has of them.
func (m *meters) connectionNames() (active, opened string, unitActive, unitOpened float64) {
	if m.key.Namespace == networkELB {
		return "ActiveFlowCount", "NewFlowCount", unitActiveFlows, unitNewFlows
	}
	return "ActiveConnectionCount", "NewConnectionCount", unitActiveConnections, unitNewConnections
}
