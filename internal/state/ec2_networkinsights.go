package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// NetworkInsightsPath is a question to Reachability Analyzer: from where to
// where, and which packets. Written by ec2.
type NetworkInsightsPath struct {
	Account, Region, ID string

	Source, Destination string // id of an interface, internet gateway or endpoint; Destination may be ""
	Protocol            string // "tcp" or "udp"
	SourceIP            string
	DestinationIP       string
	DestinationPort     *int32

	AtSource, AtDestination *PacketFilter

	ClientToken string
	CreatedAt   time.Time
	Tags        []Tag
}

// PacketFilter narrows down the packets of a path at one of its ends.
type PacketFilter struct {
	SourceAddress, DestinationAddress string
	DestinationPorts                  *PortRange
}

// PortRange is an inclusive range of ports.
type PortRange struct{ From, To int32 }

// Key is the record's key.
func (p *NetworkInsightsPath) Key() string { return Key(p.Account, p.Region, p.ID) }

// NetworkInsightsPaths holds the paths.
var NetworkInsightsPaths = store.Define("ec2.network-insights-path", (*NetworkInsightsPath).Key)

// NetworkInsightsAnalysis is an answer about a path, as the network was when it
// was started. Written by ec2.
type NetworkInsightsAnalysis struct {
	Account, Region, ID string

	PathID              string
	FilterIn, FilterOut []string // ARNs of what the path must, and must not, traverse
	Found               bool
	Result              []byte // components and explanations, JSON of EC2's shapes

	ClientToken string
	StartedAt   time.Time
	Tags        []Tag
}

// Key is the record's key.
func (a *NetworkInsightsAnalysis) Key() string { return Key(a.Account, a.Region, a.ID) }

// NetworkInsightsAnalyses holds the analyses; index "path" takes the key of a path.
var NetworkInsightsAnalyses = store.Define("ec2.network-insights-analysis", (*NetworkInsightsAnalysis).Key,
	store.By("path", func(a *NetworkInsightsAnalysis) []string { return []string{Key(a.Account, a.Region, a.PathID)} }))
