package flowlog

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const account, region, role = "111111111111", "eu-west-1", "arn:aws:iam::111111111111:role/flows"

// world is a VPC whose traffic a test makes up, and a log group that remembers.
type world struct {
	logsapi.API
	t       *testing.T
	writer  *Writer
	flows   []network.Connection
	dropped map[network.Rejected]network.Count
	streams map[string][]string // nil streams are not made yet
	as      string
	refused bool
}

func (w *world) Connections(string) ([]network.Connection, error) { return w.flows, nil }

func (w *world) Rejected(string) map[network.Rejected]network.Count {
	all := w.dropped
	w.dropped = nil
	return all
}

func (w *world) AssumeFor(_ context.Context, account, region, roleARN, service, _ string) (caller.Identity, error) {
	if w.refused {
		return caller.Identity{}, errors.New("the role does not trust " + service)
	}
	w.as = roleARN + " for " + service
	return caller.ForRoot(account, region), nil
}

func (w *world) CreateLogGroup(context.Context, *logsapi.CreateLogGroupRequest) error {
	return wire.NewError("AccessDeniedException", 400, "the group is there, and the role may not make any")
}

func (w *world) CreateLogStream(_ context.Context, in *logsapi.CreateLogStreamRequest) error {
	w.streams[in.LogStreamName] = []string{}
	return nil
}

func (w *world) PutLogEvents(_ context.Context, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	if w.streams[in.LogStreamName] == nil || in.LogGroupName != "flows" {
		return nil, wire.NewError("ResourceNotFoundException", 400, "no such stream")
	}
	for _, e := range in.LogEvents {
		w.streams[in.LogStreamName] = append(w.streams[in.LogStreamName], e.Message)
	}
	return &logsapi.PutLogEventsResponse{}, nil
}

// lines are what a stream was written, sorted; it is empty afterwards.
func (w *world) lines(stream string) []string {
	all := slices.Sorted(slices.Values(w.streams[stream]))
	w.streams[stream] = []string{}
	return all
}

func newWorld(t *testing.T, logs ...*state.FlowLog) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		state.Vpcs.Put(tx, &state.Vpc{Account: account, Region: region, ID: "vpc-1"})
		state.Subnets.Put(tx, &state.Subnet{Account: account, Region: region, ID: "subnet-1", VpcID: "vpc-1", AvailabilityZoneID: "euw1-az1"})
		for id, ip := range map[string]string{"eni-a": "10.0.0.10", "eni-b": "10.0.0.20"} {
			state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: account, Region: region, ID: id, VpcID: "vpc-1", SubnetID: "subnet-1", PrivateIPAddress: ip, IPv6Address: strings.Replace(ip, "10.0.0.", "2001:db8::", 1)})
		}
		for _, f := range logs {
			f.Account, f.Region, f.LogGroup, f.RoleARN = account, region, "flows", role
			state.FlowLogs.Put(tx, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, streams: map[string][]string{}}
	w.writer = &Writer{DB: db, Source: w, Logs: w, Sessions: w, from: time.Unix(100, 0)}
	return w
}

func flow(from, to string, sent, received uint64) network.Connection {
	return network.Connection{Protocol: network.TCP, From: netip.MustParseAddrPort(from), To: netip.MustParseAddrPort(to),
		Sent: network.Count{Packets: sent, Bytes: sent * 60}, Received: network.Count{Packets: received, Bytes: received * 1000}}
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Each direction of a flow is a line of each interface that it touches, with what was
// counted since the last time.
func TestLinesOfAVPC(t *testing.T) {
	w := newWorld(t, &state.FlowLog{ID: "fl-1", ResourceID: "vpc-1", TrafficType: "ALL"},
		&state.FlowLog{ID: "fl-2", ResourceID: "eni-b", TrafficType: "REJECT", Format: "${action} ${flow-direction} ${az-id} ${vpc-id} ${instance-id}"})
	w.flows = []network.Connection{flow("10.0.0.10:40000", "10.0.0.20:80", 5, 4), flow("203.0.113.1:50000", "10.0.0.20:80", 3, 0)}
	w.dropped = map[network.Rejected]network.Count{{Protocol: network.TCP, From: netip.MustParseAddrPort("10.0.0.10:40001"), To: netip.MustParseAddrPort("10.0.0.20:81")}: {Packets: 2, Bytes: 120}}
	w.writer.Write(t.Context(), time.Unix(160, 0))
	if w.as != role+" for vpc-flow-logs.amazonaws.com" {
		t.Errorf("delivered as %q", w.as)
	}
	equal(t, "eni-a", w.lines("eni-a-all"),
		"2 111111111111 eni-a 10.0.0.10 10.0.0.20 40000 80 6 5 300 100 160 ACCEPT OK",
		"2 111111111111 eni-a 10.0.0.10 10.0.0.20 40001 81 6 2 120 100 160 REJECT OK",
		"2 111111111111 eni-a 10.0.0.20 10.0.0.10 80 40000 6 4 4000 100 160 ACCEPT OK")
	equal(t, "eni-b", w.lines("eni-b-all"),
		"2 111111111111 eni-b 10.0.0.10 10.0.0.20 40000 80 6 5 300 100 160 ACCEPT OK",
		"2 111111111111 eni-b 10.0.0.10 10.0.0.20 40001 81 6 2 120 100 160 REJECT OK",
		"2 111111111111 eni-b 10.0.0.20 10.0.0.10 80 40000 6 4 4000 100 160 ACCEPT OK",
		"2 111111111111 eni-b 203.0.113.1 10.0.0.20 50000 80 6 3 180 100 160 ACCEPT OK")
	equal(t, "eni-b, rejected", w.lines("eni-b-reject"), "REJECT ingress euw1-az1 vpc-1 -")

	w.flows[0] = flow("10.0.0.10:40000", "10.0.0.20:80", 6, 4)
	w.writer.Write(t.Context(), time.Unix(220, 0))
	equal(t, "eni-a, a packet later", w.lines("eni-a-all"), "2 111111111111 eni-a 10.0.0.10 10.0.0.20 40000 80 6 1 60 160 220 ACCEPT OK")
}

// Interfaces have lines of both their addresses.
func TestLinesOfIPv6(t *testing.T) {
	w := newWorld(t, &state.FlowLog{ID: "fl-1", ResourceID: "eni-b", TrafficType: "ALL", Format: "${type} ${srcaddr} ${dstaddr} ${dstport} ${protocol} ${action}"})
	w.flows = []network.Connection{flow("10.0.0.10:40000", "10.0.0.20:80", 5, 0), flow("[3fff::1]:40000", "[2001:db8::20]:80", 5, 0)}
	w.dropped = map[network.Rejected]network.Count{{Protocol: network.ICMPv6, From: netip.MustParseAddrPort("[2001:db8::10]:0"), To: netip.MustParseAddrPort("[2001:db8::20]:0")}: {Packets: 1, Bytes: 104}}
	w.writer.Write(t.Context(), time.Unix(160, 0))
	equal(t, "eni-b", w.lines("eni-b-all"), "IPv4 10.0.0.10 10.0.0.20 80 6 ACCEPT", "IPv6 2001:db8::10 2001:db8::20 0 58 REJECT", "IPv6 3fff::1 2001:db8::20 80 6 ACCEPT")
}

// A role that cannot be assumed shows in the flow log, until it can.
func TestDeliveryErrorsShow(t *testing.T) {
	w := newWorld(t, &state.FlowLog{ID: "fl-1", ResourceID: "subnet-1", TrafficType: "ACCEPT"})
	status := func() string {
		f, _ := state.FlowLogs.Get(w.writer.DB.Read(), state.Key(account, region, "fl-1"))
		return f.DeliveryError
	}
	w.refused = true
	w.flows = []network.Connection{flow("10.0.0.10:40000", "10.0.0.20:80", 5, 4)}
	w.writer.Write(t.Context(), time.Unix(160, 0))
	if got := status(); got != "Access error" {
		t.Errorf("status %q", got)
	}
	w.refused = false
	w.flows[0] = flow("10.0.0.10:40000", "10.0.0.20:80", 6, 4)
	w.writer.Write(t.Context(), time.Unix(220, 0))
	if got := status(); got != "" || len(w.lines("eni-a-accept")) != 1 {
		t.Errorf("status %q", got)
	}
}

func TestFormats(t *testing.T) {
	for format, ok := range map[string]bool{"": true, DefaultFormat: true, "${vpc-id} ${colour}": false, "srcaddr": false} {
		if err := Check(format); (err == nil) != ok {
			t.Errorf("%q: %v", format, err)
		}
	}
}
