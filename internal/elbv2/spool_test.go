package elbv2

import (
	"os"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

// Lines that were written down before a crash are there after it, and gone once
// they are delivered.
func TestLogLinesOutliveACrash(t *testing.T) {
	l, plane := newLoop()
	plane.Spool = t.TempDir()
	w := newWorld(t, plane)
	b := &state.LoadBalancer{
		Account: acct, Region: region, Path: "app/web/1", Type: "application", Subnets: []state.LoadBalancerSubnet{{AvailabilityZone: "eu-west-1a", PublicIP: "198.19.0.1"}},
		Attributes: map[string]string{"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs"},
	}
	before := &balancer{}
	ok(t, w.openSpool(b, before))
	at := logPlace{accessLog, "eu-west-1a"}
	before.lines.add(at, "http one")
	ok(t, before.saveNow())
	before.lines.add(at, "http two")
	ok(t, before.saveNow())
	before.lines.add(at, "http three") // too late

	after := &balancer{}
	ok(t, w.openSpool(b, after))
	after.lines.add(at, "http four")
	ok(t, after.saveNow())
	if got := strings.Join(after.lines.waiting[at], ", "); got != "http one, http two, http four" {
		t.Errorf("after the crash there are %s", got)
	}
	l.refuses = "logs"
	w.deliver(w.ctx, b, after)
	if kept, err := os.ReadFile(w.spoolPath(b.Key())); err != nil || strings.Count(string(kept), "\n") != 3 {
		t.Errorf("what could not be delivered: %q %v", kept, err)
	}
	l.refuses = ""
	w.deliver(w.ctx, b, after)
	if kept, err := os.ReadFile(w.spoolPath(b.Key())); err != nil || len(kept) != 0 || len(l.files) != 1 {
		t.Errorf("what was delivered: %q %v, %d files", kept, err, len(l.files))
	}
	after.closeSpool()
	before.closeSpool()
}
