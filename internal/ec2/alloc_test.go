package ec2

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestAddressesAreGivenOutOnceAndRest checks laws of nextAddress in random
// histories of taking and freeing addresses of small subnets.
func TestAddressesAreGivenOutOnceAndRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subnet := netip.MustParsePrefix(rapid.SampledFrom([]string{"10.0.0.0/28", "10.0.0.16/28", "192.168.7.0/27", "172.31.255.0/26"}).Draw(t, "subnet"))
		used := map[netip.Addr]bool{}
		freedAt := map[netip.Addr]int{} // number of addresses given out when it was freed
		given := 0
		var last netip.Addr
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(used) > 0 && rapid.Bool().Draw(t, "free") {
				a := anyOf(t, used)
				delete(used, a)
				freedAt[a] = given
				continue
			}
			free := capacity(subnet) - len(used)
			a, ok := nextAddress(subnet, last, func(a netip.Addr) bool { return used[a] })
			if ok != (free > 0) {
				t.Fatalf("%d addresses are free, but found: %v", free, ok)
			}
			if !ok {
				continue
			}
			if used[a] || !usable(subnet, a) {
				t.Fatalf("%s was given out (used: %v)", a, used[a])
			}
			// All that were free when a was freed go first: it rests unless it is the only one.
			if at, ok := freedAt[a]; ok && a == last && free > 1 {
				t.Fatalf("%s was used again at once (freed at %d, now %d)", a, at, given)
			}
			used[a], last = true, a
			given++
		}
	})
}

func anyOf(t *rapid.T, set map[netip.Addr]bool) netip.Addr {
	var all []netip.Addr
	for a := range set {
		all = append(all, a)
	}
	for i := range all { // rapid needs the same order each time
		for j := i; j > 0 && all[j].Less(all[j-1]); j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	return rapid.SampledFrom(all).Draw(t, "which")
}

func TestFiveAddressesOfASubnetAreReserved(t *testing.T) {
	subnet := netip.MustParsePrefix("10.0.0.0/28")
	used := map[netip.Addr]bool{}
	var last netip.Addr
	for {
		a, ok := nextAddress(subnet, last, func(a netip.Addr) bool { return used[a] })
		if !ok {
			break
		}
		used[a], last = true, a
	}
	for _, reserved := range []string{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.15"} {
		if used[netip.MustParseAddr(reserved)] {
			t.Errorf("%s was given out", reserved)
		}
	}
	if len(used) != 11 {
		t.Errorf("%d addresses, want 11", len(used))
	}
}

func TestZoneIDs(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1", "eu-central-1": "euc1", "ap-southeast-2": "apse2", "ap-northeast-1": "apne1", "us-gov-west-1": "usgw1", "af-south-1": "afs1",
	} {
		if got := zonePrefix(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
	if n := len(zones("us-east-1")); n != 6 {
		t.Errorf("us-east-1 has %d zones", n)
	}
}

func TestDivide(t *testing.T) {
	o := Divide(testSite)
	if o.S3.String() != "198.18.0.0/20" || o.Services.String() != "198.18.128.0/17" || o.Addresses.String() != "198.19.0.0/16" {
		t.Errorf("S3 %s, services %s, addresses %s", o.S3, o.Services, o.Addresses)
	}
}
