package cost

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// freeStorage is the ephemeral storage in GiB that a Fargate task has for nothing.
const freeStorage = 20

// Gatherer reads what there is.
type Gatherer struct {
	DB *store.DB
	// LogBytes are the bytes stored in a log stream.
	LogBytes func(streamID string) (int64, error)
	// UnitHours are the capacity units that a load balancer used since a moment, in
	// unit-hours, and since when that is known.
	UnitHours func(b *state.LoadBalancer, now time.Time) (units float64, since time.Time, err error)
}

// gathering is one reading of an account and region.
type gathering struct {
	*Gatherer
	tx              *store.Tx
	account, region string
	now             time.Time
	stack           map[string]bool // physical ids in a stack; nil for everything
	all             []Usage
}

// ErrNoStack says that there is no stack of a name.
type ErrNoStack string

func (e ErrNoStack) Error() string { return "there is no stack " + string(e) }

// Gather returns a month's usage of what an account has in a region: of all, or
// of what a stack and the stacks in it made.
func (g *Gatherer) Gather(account, region, stack string, now time.Time) ([]Usage, error) {
	q := &gathering{Gatherer: g, tx: g.DB.Read(), account: account, region: region, now: now}
	if stack != "" {
		if q.stack = q.members(stack); q.stack == nil {
			return nil, ErrNoStack(stack)
		}
	}
	q.tasks()
	q.network()
	if err := q.balancers(); err != nil {
		return nil, err
	}
	q.addresses()
	q.stored()
	q.names()
	return q.all, q.logs()
}

func (q *gathering) prefix() string { return state.Prefix(q.account, q.region) }

// members are the physical ids of a stack's resources and of the stacks in it.
func (q *gathering) members(name string) map[string]bool {
	var ids map[string]bool
	var add func(s *state.Stack)
	add = func(s *state.Stack) {
		for r := range state.StackResources.All(q.tx, state.StackResourceKey(s.Account, s.Region, s.ID, "")) {
			ids[r.Live.ID] = true
		}
		for inner := range state.Stacks.By(q.tx, "parent", s.Key()) {
			add(inner)
		}
	}
	for s := range state.Stacks.By(q.tx, "name", state.Key(q.account, q.region, name)) {
		ids = map[string]bool{}
		add(s)
	}
	return ids
}

// counts reports whether something is asked for, by one of its physical ids.
func (q *gathering) counts(ids ...string) bool {
	return q.stack == nil || slices.ContainsFunc(ids, func(id string) bool { return q.stack[id] })
}

func (q *gathering) add(u Usage) { q.all = append(q.all, u) }

// tasks are the Fargate tasks that run, grouped as they are started.
func (q *gathering) tasks() {
	type group struct{ name, kind string }
	sums := map[group]*struct{ tasks, vcpu, gib, storage float64 }{}
	var order []group
	for t := range state.Tasks.All(q.tx, q.prefix()) {
		if t.DesiredStatus == "STOPPED" || t.LastStatus == state.TaskStopped || !q.counts(t.ARN(), state.ECSARN(t.Account, t.Region, "service/"+t.Cluster+"/"+t.Service)) {
			continue
		}
		g := group{t.Group, "fargate"}
		if d, ok := state.TaskDefinitions.Get(q.tx, t.DefinitionKey()); ok && d.Platform != nil && d.Platform.CPUArchitecture == "ARM64" {
			g.kind = "fargate-arm"
		}
		if t.CapacityProvider == "FARGATE_SPOT" {
			g.kind = "fargate-spot"
		}
		if sums[g] == nil {
			sums[g] = &struct{ tasks, vcpu, gib, storage float64 }{}
			order = append(order, g)
		}
		cpu, _ := strconv.ParseFloat(t.CPU, 64) // written by us
		memory, _ := strconv.ParseFloat(t.Memory, 64)
		s := sums[g]
		s.tasks++
		s.vcpu, s.gib, s.storage = s.vcpu+cpu/1024, s.gib+memory/1024, s.storage+float64(max(0, t.EphemeralGiB-freeStorage))
	}
	for _, g := range order {
		s := sums[g]
		name := fmt.Sprintf("%s, %.0f running", g.name, s.tasks)
		q.add(Usage{Price: g.kind + "-vcpu-hour", Resource: name, Quantity: s.vcpu * HoursPerMonth})
		q.add(Usage{Price: g.kind + "-gib-hour", Resource: name, Quantity: s.gib * HoursPerMonth})
		q.add(Usage{Price: "fargate-storage-gib-hour", Resource: name, Quantity: s.storage * HoursPerMonth})
	}
}

// network is what a VPC costs: gateways and endpoints.
func (q *gathering) network() {
	for n := range state.NatGateways.All(q.tx, q.prefix()) {
		if n.State == "available" && q.counts(n.ID) {
			q.add(Usage{Price: "nat-gateway-hour", Resource: n.ID, Quantity: HoursPerMonth})
			q.carried("nat-gateway-gb", n.ID, n.ID, n.CreatedAt)
		}
	}
	for e := range state.VpcEndpoints.All(q.tx, q.prefix()) {
		if e.Type == "Interface" && q.counts(e.ID) {
			name := e.ID + " " + e.ServiceName
			q.add(Usage{Price: "interface-endpoint-hour", Resource: name, Quantity: HoursPerMonth * float64(len(e.SubnetIDs))})
			q.carried("interface-endpoint-gb", e.ID, name, e.CreatedAt)
		}
	}
}

// balancers are load balancers, and the capacity units that their traffic came to.
func (q *gathering) balancers() error {
	for b := range state.LoadBalancers.All(q.tx, q.prefix()) {
		if !q.counts(b.ARN()) {
			continue
		}
		q.add(Usage{Price: b.Type + "-load-balancer-hour", Resource: b.Name, Quantity: HoursPerMonth})
		units, since, err := q.UnitHours(b, q.now)
		if err != nil {
			return err
		}
		q.add(Usage{Price: b.Type + "-load-balancer-unit-hour", Resource: b.Name, Quantity: units / q.hoursSince(since) * HoursPerMonth,
			Note: fmt.Sprintf("%.4f unit-hours in %s", units, q.now.Sub(since).Round(time.Minute))})
	}
	return nil
}

// hoursSince are the hours that something was measured, at least one: less says
// nothing about a month.
func (q *gathering) hoursSince(since time.Time) float64 { return max(q.now.Sub(since).Hours(), 1) }

// addresses are the public IPv4 addresses: elastic ones, and those that tasks
// and load balancers have while they live.
func (q *gathering) addresses() {
	for a := range state.Addresses.All(q.tx, q.prefix()) {
		if q.counts(a.AllocationID, a.PublicIP) {
			q.add(Usage{Price: "public-ipv4-hour", Resource: "elastic " + a.PublicIP, Quantity: HoursPerMonth})
		}
	}
	automatic := 0
	for i := range state.NetworkInterfaces.All(q.tx, q.prefix()) {
		if i.PublicIPAddress != "" && i.AllocationID == "" && (q.stack == nil || q.owned(i)) {
			automatic++
		}
	}
	q.add(Usage{Price: "public-ipv4-hour", Resource: fmt.Sprintf("%d of tasks and load balancers", automatic), Quantity: HoursPerMonth * float64(automatic)})
}

// owned reports whether an interface is of a task or load balancer of the stack.
func (q *gathering) owned(i *state.NetworkInterface) bool {
	for t := range state.Tasks.By(q.tx, "eni", state.Key(i.Account, i.Region, i.ID)) {
		return q.counts(state.ECSARN(t.Account, t.Region, "service/"+t.Cluster+"/"+t.Service))
	}
	for b := range state.LoadBalancers.All(q.tx, q.prefix()) {
		for _, s := range b.Subnets {
			if s.InterfaceID == i.ID {
				return q.counts(b.ARN())
			}
		}
	}
	return false
}

const gb = 1 << 30

// carried is what something carried since it was made, for a month.
func (q *gathering) carried(price, id, name string, made time.Time) {
	use, ok := state.NetworkUses.Get(q.tx, state.Key(q.account, q.region, id))
	if ok && use.Bytes > 0 {
		q.add(q.measured(price, name, float64(use.Bytes), made))
	}
}

// measured extends what was measured since a moment to a month.
func (q *gathering) measured(price, name string, bytes float64, since time.Time) Usage {
	return Usage{Price: price, Resource: name, Quantity: bytes / gb / q.hoursSince(since) * HoursPerMonth,
		Note: fmt.Sprintf("%.1f MB in %s", bytes/(1<<20), q.now.Sub(since).Round(time.Minute))}
}

// stored is what is paid for lying there.
func (q *gathering) stored() {
	for r := range state.Repositories.All(q.tx, q.prefix()) {
		if !q.counts(r.Name) {
			continue
		}
		bytes := 0.0 // layers that images share count once
		for l := range state.Layers.All(q.tx, state.RepositoryItemKey(r.Account, r.Region, r.Name, "")) {
			bytes += float64(l.Size)
		}
		q.add(Usage{Price: "registry-gb-month", Resource: r.Name, Quantity: bytes / gb})
	}
	for b := range state.Buckets.All(q.tx, "") {
		if b.Account != q.account || b.Region != q.region || !q.counts(b.Name) {
			continue
		}
		bytes := 0.0
		for v := range state.ObjectVersions.All(q.tx, b.Name+"/") {
			bytes += float64(v.Size)
		}
		q.add(Usage{Price: "s3-gb-month", Resource: b.Name, Quantity: bytes / gb})
	}
	for s := range state.Secrets.All(q.tx, q.prefix()) {
		if s.DeletedAt.IsZero() && q.counts(s.ARN(), s.Name) {
			q.add(Usage{Price: "secret-month", Resource: s.Name, Quantity: 1})
		}
	}
	for k := range state.KMSKeys.All(q.tx, q.prefix()) {
		if k.Service == "" && k.DeletionAt.IsZero() && q.counts(k.ID, k.ARN()) {
			q.add(Usage{Price: "kms-key-month", Resource: k.ID, Quantity: 1})
		}
	}
}

// logs are the bytes that came into log groups.
func (q *gathering) logs() error {
	for g := range state.LogGroups.All(q.tx, q.prefix()) {
		if !q.counts(g.Name, g.ARN()) {
			continue
		}
		bytes := int64(0)
		for s := range state.LogStreams.All(q.tx, state.LogStreamKey(g.Account, g.Region, g.Name, "")) {
			n, err := q.LogBytes(s.ID)
			if err != nil {
				return err
			}
			bytes += n
		}
		q.add(q.measured("logs-ingested-gb", g.Name, float64(bytes), g.CreatedAt))
	}
	return nil
}
