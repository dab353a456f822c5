package why

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// An unhealthy target is explained by what its check saw, or by what kept the check
// from arriving.
func TestUnhealthyTargets(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	g := &state.TargetGroup{
		Account: "1", Region: "r", Path: "api/0", Name: "api", Protocol: "HTTP", Port: 80,
		HealthCheck: state.TargetHealthCheck{Protocol: "HTTP", Port: "8081", Path: "/health", HTTPCode: "200-299"},
	}
	target := func(id, health, reason, description string) *state.Target {
		return &state.Target{Account: "1", Region: "r", Group: g.Path, ID: id, Port: 80, Health: health, Reason: reason, Description: description, HealthSince: time.Now()}
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		state.TargetGroups.Put(tx, g)
		state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: "1", Region: "r", Path: "app/web/0", Subnets: []state.LoadBalancerSubnet{{InterfaceID: "eni-1"}}})
		state.ListenerRules.Put(tx, &state.ListenerRule{Account: "1", Region: "r", Path: "app/web/0/1/2", Actions: []state.ListenerAction{{TargetGroups: []state.ActionTargetGroup{{ARN: g.ARN()}}}}})
		state.Targets.Put(tx, target("10.0.0.1", state.TargetHealthy, "", ""))
		state.Targets.Put(tx, target("10.0.0.2", state.TargetUnhealthy, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"))
		state.Targets.Put(tx, target("10.0.0.3", state.TargetUnhealthy, "Target.Timeout", "Request timed out"))
		state.Targets.Put(tx, target("10.0.0.4", state.TargetUnhealthy, "Target.FailedHealthChecks", "Health checks failed"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	x := &Explainer{DB: db, Decisions: decision.NewLog(db), Path: func(_, _, eni string, to netip.Addr, port int) (decision.Decision, bool) {
		return decision.Decision{Code: "net.sg-ingress", Cause: fmt.Sprint(eni, " may not reach ", to, ":", port)}, to.String() == "10.0.0.3"
	}}
	for _, name := range []string{"target-group/api", g.ARN()} {
		r, err := x.Why(t.Context(), "1", "r", name)
		if err != nil || r.Summary != "target group api: 1/4 targets healthy" || r.Healthy || len(r.Findings) != 3 {
			t.Fatalf("%s: %v %+v", name, err, r)
		}
		for i, want := range []string{
			"lb.response-code: target group api asks for /health and gets 404, but its matcher is 200-299",
			"net.sg-ingress: eni-1 may not reach 10.0.0.3:8081",
			"lb.unhealthy: the health checks of target group api fail: Health checks failed",
		} {
			f := r.Findings[i]
			if got := f.Code + ": " + f.Cause; got != want || !strings.HasPrefix(f.AWSSays, "Target.") || len(f.Seen) == 0 {
				t.Errorf("got  %s (%s)\nwant %s", got, f.AWSSays, want)
			}
		}
	}
}
