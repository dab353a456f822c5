package network

import (
	"context"
	"testing"

	"github.com/neargate/neargate/internal/network/networktest"
)

// What endpoints and NAT gateways carried is known to the packet, both ways.
func TestCarriedIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(example())
	l, err := w.Listen(context.Background(), "vpc-a", "tcp4", "0.0.0.0:443")
	must(t, err)
	networktest.Greet(t, l, "us")
	w.serve(w.Internet.Path, internetAddr+":80", "internet")
	carried := func() map[string]Count {
		c, err := w.Counters(context.Background(), "vpc-a")
		must(t, err)
		return c.Carried
	}
	if c := carried(); c["eni-vpce"].Packets != 0 || c["eni-nat"].Packets != 0 || len(c) != 2 {
		t.Errorf("before: %+v", c)
	}
	w.expect("eni-isolated", "10.0.3.20:443", "us to 10.0.3.10 at 10.0.3.20")
	endpoint := carried()["eni-vpce"]
	if endpoint.Packets < 6 || endpoint.Bytes < 300 || carried()["eni-nat"].Packets != 0 {
		t.Errorf("after a call of the endpoint: %+v", carried())
	}
	w.expect("eni-behind", internetAddr+":80", "internet to 192.0.2.2 at "+internetAddr)
	if c := carried(); c["eni-nat"].Packets < 6 || c["eni-vpce"] != endpoint {
		t.Errorf("after a call through the NAT gateway: %+v", c)
	}
}
