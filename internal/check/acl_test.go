package check

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const acl = `resource "aws_network_acl" "private" {
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private
  ingress {
    rule_no    = 50
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "10.40.0.0/16"
    from_port  = 0
    to_port    = 65535
  }
  egress {
    rule_no    = 50
    protocol   = "all"
    action     = "allow"
    cidr_block = "10.40.0.0/16"
    from_port  = 0
    to_port    = 0
  }
}
resource "aws_network_acl_rule" "out" {
  network_acl_id = aws_network_acl.private.id
  egress         = true
  rule_number    = 100
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = 443
  to_port        = 443
}
resource "aws_network_acl_rule" "replies" {
  network_acl_id = aws_network_acl.private.id
  rule_number    = 100
  protocol       = "6"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = FROM
  to_port        = 65535
}
resource "aws_vpc" "other" { cidr_block = "10.44.0.0/16" }
resource "aws_vpc_peering_connection" "other" {
  vpc_id      = module.network.vpc_id
  peer_vpc_id = aws_vpc.other.id
  auto_accept = true
}
resource "aws_route" "back" {
  route_table_id            = aws_route_table.other.id
  destination_cidr_block    = "10.40.0.0/16"
  vpc_peering_connection_id = aws_vpc_peering_connection.other.id
}
resource "aws_route_table" "other" { vpc_id = aws_vpc.other.id }
`

// Network ACLs and peering of Terraform are followed: what they let pass is clean,
// and what they do not is an error, not a guess.
func TestNetworkACLsOfTerraform(t *testing.T) {
	for from, want := range map[string][]string{"1024": nil, "40000": {"clean/acl.tf:1 error net.nacl"}} {
		files := fstest.MapFS{"clean/acl.tf": {Data: []byte(strings.Replace(acl, "FROM", from, 1))}}
		for _, name := range []string{"clean/main.tf", "clean/network/main.tf"} {
			text, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
		r, err := Check(t.Context(), Options{Files: files, Path: "clean"})
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(r); !slices.Equal(got, want) {
			t.Errorf("replies from port %s on: %q, want %q", from, got, want)
		}
		for _, f := range r.Findings {
			if !strings.Contains(f.Fix.Text, "aws_network_acl_rule") {
				t.Errorf("the fix is %q", f.Fix.Text)
			}
		}
	}
}
