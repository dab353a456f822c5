package hosted

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func write(t *testing.T, db *store.DB, do func(tx *store.Tx)) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { do(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

// balancer makes a load balancer NAME with a target group for each word of states,
// whose targets are in the states that its commas part; "-" is an empty group.
func balancer(tx *store.Tx, name, states string) {
	path := "app/" + name + "/1"
	state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: account, Region: region, Path: path, Name: name, DNSName: "Name-" + name + ".eu-west-1.elb.amazonaws.com", Status: state.LoadBalancerActive})
	state.Listeners.Put(tx, &state.Listener{Account: account, Region: region, Path: path + "/l"})
	rule := &state.ListenerRule{Account: account, Region: region, Path: path + "/l/r", Actions: []state.ListenerAction{{Type: "forward"}}}
	for i, word := range strings.Fields(states) {
		g := &state.TargetGroup{Account: account, Region: region, Path: name + string(rune('a'+i)) + "/1"}
		state.TargetGroups.Put(tx, g)
		rule.Actions[0].TargetGroups = append(rule.Actions[0].TargetGroups, state.ActionTargetGroup{ARN: g.ARN()})
		for n, health := range strings.Split(word, ",") {
			if health != "-" {
				state.Targets.Put(tx, &state.Target{Account: account, Region: region, Group: g.Path, ID: "10.0.0.1", Port: int32(n + 1), Health: health})
			}
		}
	}
	state.ListenerRules.Put(tx, rule)
}

// alias is an alias of the zone that evaluates what it stands for.
func alias(name, zone, target string) *state.RecordSet {
	return &state.RecordSet{ZoneID: "Z1", Name: name + ".test.", Type: "A", Alias: &state.RecordAlias{HostedZoneID: zone, DNSName: target, EvaluateTargetHealth: true}}
}

func TestHealthOfAliases(t *testing.T) {
	db := open(t)
	write(t, db, func(tx *store.Tx) {
		balancer(tx, "well", "healthy,unhealthy healthy")
		balancer(tx, "ill", "healthy unhealthy,draining")
		balancer(tx, "empty", "healthy -")
		balancer(tx, "fixed", "")
		for name, target := range map[string]string{
			"well": "dualstack.name-well.eu-west-1.elb.amazonaws.com.", "ill": "name-ill.eu-west-1.elb.amazonaws.com.", "empty": "name-empty.eu-west-1.elb.amazonaws.com.",
			"fixed": "name-fixed.eu-west-1.elb.amazonaws.com.", "gone": "name-gone.eu-west-1.elb.amazonaws.com.", "endpoint": "vpce-1.logs.eu-west-1.vpce.amazonaws.com.",
		} {
			state.RecordSets.Put(tx, alias(name, "ZELB", target))
		}
		state.RecordSets.Put(tx, alias("well-there", "Z1", "well.test."))
		state.RecordSets.Put(tx, alias("ill-there", "Z1", "ill.test."))
		state.RecordSets.Put(tx, alias("nobody-there", "Z1", "none.test."))
		state.RecordSets.Put(tx, alias("circle", "Z1", "circle2.test."))
		state.RecordSets.Put(tx, alias("circle2", "Z1", "circle.test."))
		unasked := alias("unasked", "ZELB", "name-ill.eu-west-1.elb.amazonaws.com.")
		unasked.Alias.EvaluateTargetHealth = false
		state.RecordSets.Put(tx, unasked)
	})
	var names []string
	for key := range Unhealthy(db.Read()) {
		names = append(names, strings.TrimPrefix(strings.SplitN(key, "\x01", 2)[0], "Z1/test\x02"))
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "empty gone ill ill-there nobody-there" {
		t.Errorf("unhealthy are %s", got)
	}
}

func TestPublicZonesWithHealth(t *testing.T) {
	db := open(t)
	write(t, db, func(tx *store.Tx) {
		balancer(tx, "ill", "unhealthy")
		state.HostedZones.Put(tx, &state.HostedZone{Account: account, ID: "Z1", Name: "test."})
		state.HostedZones.Put(tx, &state.HostedZone{Account: account, ID: "Z2", Name: "inside.", Private: true, VPCs: []state.ZoneVPC{{Region: region, VpcID: "vpc-1"}}})
		primary := alias("a", "ZELB", "name-ill.eu-west-1.elb.amazonaws.com.")
		primary.SetIdentifier, primary.Failover = "one", "PRIMARY"
		state.RecordSets.Put(tx, primary)
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: "Z1", Name: "a.test.", Type: "A", SetIdentifier: "two", Failover: "SECONDARY", TTL: 60, Values: []string{"198.51.100.1"}})
	})
	public := Public(db.Read())
	if len(public) != 1 || len(public[0].Records["a.test"]) != 2 {
		t.Fatalf("%+v", public)
	}
	for _, r := range public[0].Records["a.test"] {
		if r.Unhealthy != (r.Failover == "PRIMARY") {
			t.Errorf("%+v", r)
		}
	}
	if inside := Private(db.Read(), "vpc-1"); len(inside) != 1 || inside[0].Name != "inside" || !inside[0].Private {
		t.Errorf("%+v", inside)
	}
}

// TestWatcher: told when a judgement changes, and of nothing else.
func TestWatcher(t *testing.T) {
	db := open(t)
	told := make(chan bool, 10)
	write(t, db, func(tx *store.Tx) {
		balancer(tx, "web", "unhealthy")
		state.RecordSets.Put(tx, alias("web", "ZELB", "name-web.eu-west-1.elb.amazonaws.com."))
	})
	w := NewWatcher(db, func() { told <- true })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	write(t, db, func(tx *store.Tx) { balancer(tx, "other", "healthy") })
	write(t, db, func(tx *store.Tx) { balancer(tx, "web", "healthy") })
	<-told
	write(t, db, func(tx *store.Tx) { balancer(tx, "web", "unhealthy") })
	<-told
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(told) > 0 {
		t.Error("told of what changed nothing")
	}
}
