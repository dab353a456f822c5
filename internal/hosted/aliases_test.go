package hosted

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func TestAliases(t *testing.T) {
	db := open(t)
	write(t, db, func(tx *store.Tx) {
		for i, b := range []state.LoadBalancer{
			{Account: "111111111111", Region: "eu-west-1", Name: "Web"}, {Account: "222222222222", Region: "eu-west-1", Name: "web"}, {Account: "111111111111", Region: "us-east-1", Name: "web"},
			{Account: "111111111111", Region: "eu-west-1", Name: "only"}, {Account: "111111111111", Region: "eu-west-1", Name: "inside", Scheme: "internal"},
		} {
			if b.Scheme == "" {
				b.Scheme = "internet-facing"
			}
			b.Path, b.DNSName = "app/"+b.Name+"/"+string(rune('a'+i)), b.Name+"-"+string(rune('a'+i))+".elb.amazonaws.com"
			b.Subnets = []state.LoadBalancerSubnet{{PublicIP: "198.19.0." + string(rune('1'+i)), PrivateIP: "10.0.0.1"}}
			state.LoadBalancers.Put(tx, &b)
		}
		state.HostedZones.Put(tx, &state.HostedZone{Account: "1", ID: "Z1", Name: "shop.test."})
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: "Z1", Name: "www.shop.test.", Type: "A", Alias: &state.RecordAlias{HostedZoneID: "ZELB", DNSName: "only-d.elb.amazonaws.com."}})
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: "Z1", Name: "else.shop.test.", Type: "A", TTL: 1, Values: []string{"198.51.100.1"}})
	})
	const want = "only.elb.localhost web.eu-west-1.111111111111.elb.localhost web.eu-west-1.222222222222.elb.localhost web.us-east-1.elb.localhost"
	if got := strings.Join(ShortAliases(db.Read()), " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for name, want := range map[string]string{
		"only.elb.localhost": "198.19.0.4", "only.eu-west-1.elb.localhost": "198.19.0.4", "web.us-east-1.elb.localhost": "198.19.0.3", "web.elb.localhost": "", "inside.elb.localhost": "",
		"only-d.elb.amazonaws.com": "198.19.0.4", "inside-e.elb.amazonaws.com": "", "www.shop.test": "198.19.0.4", "else.shop.test": "", "none.test": "",
	} {
		a, ok := FindBalancer(db.Read(), "eu-west-1", name)
		if ok != (want != "") || ok && a.String() != want {
			t.Errorf("%s: %s %v, want %s", name, a, ok, want)
		}
	}
}
