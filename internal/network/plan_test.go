package network

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference before it is committed")

// The host state of the example, as a reader of iproute2 and nft knows it.
func TestPlanGolden(t *testing.T) {
	isolated := example()
	isolated.RouteTables[0].Routes, isolated.RouteTables[1].Routes = nil, nil
	isolated.DNSSupport = false
	for name, v := range map[string]VPC{"example": example(), "isolated": isolated, "dual": dual(), "empty": {ID: "vpc-a"}} {
		t.Run(name, func(t *testing.T) {
			if err := v.Validate(site); err != nil {
				t.Fatal(err)
			}
			got := Plan(site, v, 5).String()
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("host state differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUplinkNumbersComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 4095} {
		u := site.uplink(n)
		if got, ok := site.uplinkNumber(u.VPC.Addr()); !ok || got != n {
			t.Errorf("uplink %d is read back as %d, %v", n, got, ok)
		}
		if len(u.HostLink) > maxLinkName || !site.Uplinks.Contains(u.Host.Addr()) {
			t.Errorf("uplink %d: %+v", n, u)
		}
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	tests := map[string]func(*VPC){
		"a slash in an id":        func(v *VPC) { v.ENIs[0].ID = "../x" },
		"an address twice":        func(v *VPC) { v.ENIs[0].IP = v.ENIs[1].IP },
		"an id twice":             func(v *VPC) { v.ENIs[0].ID = v.ENIs[1].ID },
		"an eni elsewhere":        func(v *VPC) { v.ENIs[0].IP = addr("10.0.9.9") },
		"overlapping subnets":     func(v *VPC) { v.Subnets[0].CIDR = prefix("10.0.2.0/23") },
		"a subnet elsewhere":      func(v *VPC) { v.Subnets[0].CIDR = prefix("10.9.0.0/24") },
		"the uplinks' range":      func(v *VPC) { v.CIDRs = append(v.CIDRs, prefix("169.254.64.0/20")) },
		"AWS's range":             func(v *VPC) { v.CIDRs = append(v.CIDRs, prefix("198.19.0.0/16")) },
		"ports in reverse":        func(v *VPC) { v.SecurityGroups[2].Ingress[0].FromPort = 500 },
		"a protocol of 9 bits":    func(v *VPC) { v.SecurityGroups[2].Ingress[0].Protocol = 256 },
		"a rule twice":            func(v *VPC) { v.SecurityGroups[2].Ingress[0].ID = "sgr-ping" },
		"an IPv6 address":         func(v *VPC) { v.ENIs[0].IP = addr("fd00::1") },
		"a subnet of 8 addresses": func(v *VPC) { v.Subnets[0].CIDR = prefix("10.0.1.0/29") },
	}
	for name, spoil := range tests {
		v := example()
		spoil(&v)
		if err := v.Validate(site); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// An internet gateway whose subnet has no public IP yet is no contradiction.
func TestGatewayWithoutPublicIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := clone(example())
	v.RouteTables = v.RouteTables[:1]
	v.ENIs = []ENI{v.ENIs[2]} // without a public IP
	w.set(v)
	w.expect("eni-private", internetAddr+":80", "time-out")
}
