package flowlog

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Principal is the service that delivers flow logs: a role's trust policy names it.
const Principal = "vpc-flow-logs.amazonaws.com"

// How often lines are written by default, and how many at once.
const (
	Interval = 5 * time.Second
	maxLines = 1000
)

// Source knows what passed and what was dropped. Satisfied by network.Kernel.
type Source interface {
	Connections(vpcID string) ([]network.Connection, error)
	Rejected(vpcID string) map[network.Rejected]network.Count
}

// Sessions assumes roles for services.
type Sessions interface {
	// AssumeFor returns the identity of a role's session, or says that the role does
	// not exist or does not trust the service.
	AssumeFor(ctx context.Context, account, region, roleARN, service, session string) (caller.Identity, error)
}

// Writer writes the lines of all flow logs.
type Writer struct {
	DB       *store.DB
	Source   Source
	Logs     logsapi.API // called as the role
	Buckets  s3api.API   // called as DeliveryPrincipal
	Sessions Sessions
	Every    time.Duration // zero for Interval
	Log      *slog.Logger

	last map[string]map[connection]network.Connection // by VPC: the counts of the last time
	from time.Time                                    // when that was
}

// connection tells connections apart.
type connection struct {
	protocol int
	from, to string
}

// Run writes lines of each interval until ctx ends.
func (w *Writer) Run(ctx context.Context) error {
	every := w.Every
	if every == 0 {
		every = Interval
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	w.from = time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			w.Write(ctx, now)
		}
	}
}

// Write writes the lines of what happened since the last time.
func (w *Writer) Write(ctx context.Context, now time.Time) {
	tx := w.DB.Read()
	logs := map[string][]*state.FlowLog{} // by the key of the VPC
	for f := range state.FlowLogs.All(tx, "") {
		if key, ok := vpcOf(tx, f); ok {
			logs[key] = append(logs[key], f)
		}
	}
	seen := map[string]map[connection]network.Connection{}
	for key, wanted := range logs {
		_, _, vpcID := state.SplitKey(key)
		all, err := w.Source.Connections(vpcID)
		if err != nil {
			continue // the VPC is not on the host
		}
		records, counts := w.records(tx, key, all, w.last[key], w.Source.Rejected(vpcID), now)
		seen[key] = counts
		for _, f := range wanted {
			w.deliver(ctx, f, records, now)
		}
	}
	w.last, w.from = seen, now
}

// vpcOf is the key of the VPC that a flow log looks at.
func vpcOf(tx *store.Tx, f *state.FlowLog) (string, bool) {
	key := state.Key(f.Account, f.Region, f.ResourceID)
	if _, ok := state.Vpcs.Get(tx, key); ok {
		return key, true
	}
	if n, ok := state.Subnets.Get(tx, key); ok {
		return state.Key(f.Account, f.Region, n.VpcID), true
	}
	if n, ok := state.NetworkInterfaces.Get(tx, key); ok {
		return state.Key(f.Account, f.Region, n.VpcID), true
	}
	return "", false
}

// records are what the interfaces of a VPC sent and received since the last time.
func (w *Writer) records(tx *store.Tx, vpcKey string, all []network.Connection, before map[connection]network.Connection, rejected map[network.Rejected]network.Count, now time.Time) ([]Record, map[connection]network.Connection) {
	interfaces := map[string]Record{} // by private and IPv6 address
	for n := range state.NetworkInterfaces.By(tx, "vpc", vpcKey) {
		r := Record{Account: n.Account, Region: n.Region, Interface: n.ID, Subnet: n.SubnetID, VPC: n.VpcID, Start: w.from, End: now}
		if s, ok := state.Subnets.Get(tx, state.Key(n.Account, n.Region, n.SubnetID)); ok {
			r.Zone = s.AvailabilityZoneID
		}
		interfaces[n.PrivateIPAddress] = r
		if n.IPv6Address != "" {
			interfaces[n.IPv6Address] = r
		}
	}
	var out []Record
	add := func(c network.Connection, n network.Count, back, reject bool) {
		if n.Packets == 0 {
			return
		}
		source, target := c.From, c.To
		if back {
			source, target = target, source
		}
		for _, egress := range []bool{true, false} {
			own := target
			if egress {
				own = source
			}
			if r, ok := interfaces[own.Addr().String()]; ok {
				r.Source, r.Target, r.Protocol, r.Packets, r.Bytes, r.Egress, r.Rejected = source, target, c.Protocol, n.Packets, n.Bytes, egress, reject
				out = append(out, r)
			}
		}
	}
	counts := map[connection]network.Connection{}
	for _, c := range all {
		key := connection{c.Protocol, c.From.String(), c.To.String()}
		old := before[key]
		counts[key] = c
		add(c, since(c.Sent, old.Sent), false, false)
		add(c, since(c.Received, old.Received), true, false)
	}
	for f, n := range rejected {
		add(network.Connection{Protocol: f.Protocol, From: f.From, To: f.To}, n, false, true)
	}
	return out, counts
}

// since is the growth of a count; one that became less began anew.
func since(now, before network.Count) network.Count {
	if now.Packets < before.Packets || now.Bytes < before.Bytes {
		return now
	}
	return network.Count{Packets: now.Packets - before.Packets, Bytes: now.Bytes - before.Bytes}
}

// deliver writes the records that a flow log asks for, and notes whether that
// succeeded.
func (w *Writer) deliver(ctx context.Context, f *state.FlowLog, all []Record, now time.Time) {
	var wanted []Record
	for _, r := range all {
		if (f.ResourceID == r.VPC || f.ResourceID == r.Subnet || f.ResourceID == r.Interface) && (f.TrafficType == "ALL" || f.TrafficType == r.Action()) {
			wanted = append(wanted, r)
		}
	}
	failed := f.DeliveryError
	if len(wanted) > 0 {
		failed = ""
		put := w.put
		if f.Bucket != "" {
			put = w.putFile
		}
		if err := put(ctx, f, wanted, now); err != nil {
			failed = "Access error"
			if w.Log != nil && ctx.Err() == nil {
				w.Log.Warn("a flow log is not delivered", "flow-log", f.ID, "error", err)
			}
		}
	}
	if failed == f.DeliveryError || ctx.Err() != nil {
		return
	}
	err := w.DB.Write(ctx, func(tx *store.Tx) error {
		if _, ok := state.FlowLogs.Get(tx, f.Key()); ok {
			state.FlowLogs.Update(tx, f.Key(), func(f *state.FlowLog) { f.DeliveryError = failed })
		}
		return nil
	})
	if err != nil && w.Log != nil && ctx.Err() == nil {
		w.Log.Warn("a flow log's status is not written", "flow-log", f.ID, "error", err)
	}
}

// put stores records as the flow log's role, a stream for each interface, in a log
// group that is made if need be.
func (w *Writer) put(ctx context.Context, f *state.FlowLog, records []Record, now time.Time) error {
	streams := map[string][]logsapi.InputLogEvent{}
	for _, r := range records {
		name := r.Interface + "-" + strings.ToLower(f.TrafficType)
		if len(streams[name]) < maxLines {
			streams[name] = append(streams[name], logsapi.InputLogEvent{Timestamp: now.UnixMilli(), Message: r.Line(f.Format)})
		}
	}
	id, err := w.Sessions.AssumeFor(ctx, f.Account, f.Region, f.RoleARN, Principal, "vpc-flow-logs")
	if err != nil {
		return err
	}
	ctx = caller.With(ctx, id)
	for name, events := range streams {
		in := &logsapi.PutLogEventsRequest{LogGroupName: f.LogGroup, LogStreamName: name, LogEvents: events}
		_, err := w.Logs.PutLogEvents(ctx, in)
		if code(err) == "ResourceNotFoundException" {
			if err := w.Logs.CreateLogGroup(ctx, &logsapi.CreateLogGroupRequest{LogGroupName: f.LogGroup}); err != nil && code(err) != "ResourceAlreadyExistsException" && code(err) != "AccessDeniedException" {
				return err
			}
			if err := w.Logs.CreateLogStream(ctx, &logsapi.CreateLogStreamRequest{LogGroupName: f.LogGroup, LogStreamName: name}); err != nil && code(err) != "ResourceAlreadyExistsException" {
				return err
			}
			_, err = w.Logs.PutLogEvents(ctx, in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func code(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}
