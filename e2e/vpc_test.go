package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestVPCByTerraform applies the usual VPC, sees that a second plan has nothing to
// change, and takes it away without a trace.
func TestVPCByTerraform(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	text, err := os.ReadFile(filepath.Join("testdata", "vpc.tf"))
	if err != nil {
		t.Fatal(err)
	}
	tf := newTerraform(a, string(text))
	tf.apply()
	if out := a.aws("ec2", "describe-network-interfaces", "--filters", "Name=interface-type,Values=nat_gateway", "--query", "length(NetworkInterfaces)"); out != "3" {
		t.Errorf("%s interfaces of NAT gateways", out)
	}
	tf.destroy()
	for _, look := range [][]string{
		{"describe-vpcs", "--filters", "Name=is-default,Values=false", "--query", "Vpcs"},
		{"describe-addresses", "--query", "Addresses"},
		{"describe-network-interfaces", "--query", "NetworkInterfaces"},
	} {
		if out := a.aws(append([]string{"ec2", "--output", "json"}, look...)...); out != "[]" {
			t.Errorf("%s left %s", look[0], out)
		}
	}
}
