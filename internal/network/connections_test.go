package network

import (
	"testing"
	"time"
)

// What passed and what was dropped is counted, packets and bytes, by both ends.
func TestConnectionsAndRejections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := clone(example())
	v.SecurityGroups[0].Ingress = []Rule{{ID: "sgr-host", Protocol: TCP, FromPort: 80, ToPort: 80, CIDR: defaultRoute}}
	w.set(v)
	w.serve(w.NetNS("eni-public"), "0.0.0.0:80", "task")
	w.expect("eni-isolated", "10.0.1.10:80", "task to 10.0.3.10 at 10.0.1.10")
	w.expect("eni-isolated", "10.0.1.10:81", "time-out")
	if got := from(t, w.Host.Path, "198.19.0.2:80"); got != "task to 203.0.113.1 at 10.0.1.10" {
		t.Fatal(got)
	}
	all, err := w.Connections(v.ID)
	must(t, err)
	seen := map[string]Connection{}
	for _, c := range all {
		seen[c.From.Addr().String()+" "+c.To.String()] = c
	}
	for _, who := range []string{"10.0.3.10 10.0.1.10:80", "203.0.113.1 10.0.1.10:80"} {
		if c := seen[who]; c.Protocol != TCP || c.Sent.Packets < 3 || c.Received.Bytes < 100 || c.From.Port() == 0 {
			t.Errorf("%s: %+v of %+v", who, c, all)
		}
	}
	var rejected Count
	for range 100 {
		for r, n := range w.Rejected(v.ID) {
			if r.Protocol == TCP && r.To.String() == "10.0.1.10:81" && r.From.Addr().String() == "10.0.3.10" {
				rejected = n
			}
		}
		if rejected.Packets > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if rejected.Packets == 0 || rejected.Bytes < 40*rejected.Packets {
		t.Errorf("rejected %+v", rejected)
	}
}
