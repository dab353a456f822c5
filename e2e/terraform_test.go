package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
)

// terraform is a folder of HCL for an account.
type terraform struct {
	*account
	folder string
}

// newTerraform makes a working folder with resources, and the provider from a local mirror.
func newTerraform(a *account, hcl string) *terraform {
	a.t.Helper()
	t := terraformIn(a, "tf")
	t.config(hcl)
	t.run("init", "-input=false", "-no-color")
	return t
}

// terraformIn makes an empty folder of the scratch folder for terraform. Without
// terraform and a mirror of its provider the test is skipped (in CI: fails).
func terraformIn(a *account, name string) *terraform {
	a.t.Helper()
	binary, err := exec.LookPath("terraform")
	mirror := pluginMirror()
	if err != nil || mirror == "" {
		testenv.Missing(a.t, "terraform and a mirror of its aws provider (NEARGATE_TF_PLUGINS)")
	}
	folder := filepath.Join(a.dir, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		a.t.Fatal(err)
	}
	config := a.write("terraformrc", "provider_installation {\n  filesystem_mirror {\n    path = \""+mirror+"\"\n  }\n}\ndisable_checkpoint = true\n")
	in := a.in(a.t)
	in.extra = append(in.extra, "TF_CLI_CONFIG_FILE="+config, "TF_IN_AUTOMATION=1", "PATH="+clientPath()+":"+filepath.Dir(binary))
	return &terraform{in, folder}
}

// file puts a file into the folder.
func (t *terraform) file(name string, content []byte) {
	t.t.Helper()
	if err := os.WriteFile(filepath.Join(t.folder, name), content, 0o644); err != nil {
		t.t.Fatal(err)
	}
}

// variables gives values to the configuration's variables.
func (t *terraform) variables(values map[string]any) {
	t.t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.t.Fatal(err)
	}
	t.file("terraform.tfvars.json", text)
}

// pluginMirror is the folder of the provider, as terraform's filesystem_mirror has it.
func pluginMirror() string {
	for _, dir := range []string{os.Getenv("NEARGATE_TF_PLUGINS"), "/opt/tf-plugins", "/usr/local/share/terraform/plugins"} {
		if found, _ := filepath.Glob(filepath.Join(dir, "registry.terraform.io/hashicorp/aws/*")); dir != "" && len(found) > 0 {
			return dir
		}
	}
	return ""
}

// config replaces the resources.
func (t *terraform) config(hcl string) {
	t.t.Helper()
	t.file("main.tf", []byte(provider+hcl))
}

const provider = `terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {}
`

func (t *terraform) command(args ...string) *exec.Cmd {
	c := exec.Command("terraform", args...)
	c.Dir, c.Env = t.folder, t.env()
	return c
}

func (t *terraform) run(args ...string) string {
	t.t.Helper()
	start := time.Now()
	out, err := t.command(args...).CombinedOutput()
	t.t.Logf("terraform %s took %s", args[0], time.Since(start).Round(time.Second))
	if err != nil {
		t.t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// apply makes what the configuration says, after which a plan must be empty.
func (t *terraform) apply() {
	t.t.Helper()
	t.run("apply", "-auto-approve", "-input=false", "-no-color")
	out, err := t.command("plan", "-detailed-exitcode", "-input=false", "-no-color").CombinedOutput()
	if err != nil {
		t.t.Errorf("the second plan is not empty: %v\n%s", err, out)
	}
}

// destroy takes everything away.
func (t *terraform) destroy() {
	t.t.Helper()
	t.run("destroy", "-auto-approve", "-input=false", "-no-color")
}

const filters = `
resource "aws_vpc" "v" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "s" {
  count      = 2
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.${count.index}.0/24"
}
resource "aws_default_network_acl" "d" {
  default_network_acl_id = aws_vpc.v.default_network_acl_id
  ingress {
    rule_no    = 100
    protocol   = "-1"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
  lifecycle { ignore_changes = [subnet_ids] }
}
resource "aws_network_acl" "inline" {
  vpc_id     = aws_vpc.v.id
  subnet_ids = [aws_subnet.s[0].id]
  egress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 1024
    to_port    = 65535
  }
  ingress {
    rule_no    = PORT
    protocol   = "icmp"
    action     = "deny"
    cidr_block = "10.0.0.0/8"
    from_port  = 0
    to_port    = 0
    icmp_type  = 8
    icmp_code  = -1
  }
  tags = { Name = "inline" }
}
resource "aws_network_acl" "apart" { vpc_id = aws_vpc.v.id }
resource "aws_network_acl_rule" "r" {
  network_acl_id = aws_network_acl.apart.id
  rule_number    = 200
  egress         = true
  protocol       = "udp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = PORT
  to_port        = PORT
}
resource "aws_network_acl_association" "a" {
  network_acl_id = aws_network_acl.apart.id
  subnet_id      = aws_subnet.s[1].id
}
resource "aws_ec2_managed_prefix_list" "l" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5
  entry {
    cidr        = "192.168.0.0/16"
    description = "near"
  }
  entry { cidr = "10.PORT.0.0/16" }
}
resource "aws_ec2_managed_prefix_list_entry" "e" {
  prefix_list_id = aws_ec2_managed_prefix_list.other.id
  cidr           = "10.9.0.0/16"
}
resource "aws_ec2_managed_prefix_list" "other" {
  name           = "other"
  address_family = "IPv4"
  max_entries    = 5
}
resource "aws_security_group" "g" {
  name        = "g"
  description = "inline rules"
  vpc_id      = aws_vpc.v.id
  ingress {
    protocol        = "tcp"
    from_port       = PORT
    to_port         = PORT
    prefix_list_ids = [aws_ec2_managed_prefix_list.l.id]
    self            = true
  }
  ingress {
    protocol         = "icmpv6"
    from_port        = 128
    to_port          = -1
    ipv6_cidr_blocks = ["::/0"]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_security_group" "h" {
  name   = "h"
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group_rule" "old" {
  type                     = "ingress"
  security_group_id        = aws_security_group.h.id
  source_security_group_id = aws_security_group.g.id
  protocol                 = "50"
  from_port                = 0
  to_port                  = 0
}
resource "aws_vpc_security_group_ingress_rule" "i" {
  security_group_id            = aws_security_group.h.id
  referenced_security_group_id = aws_security_group.g.id
  ip_protocol                  = "tcp"
  from_port                    = PORT
  to_port                      = 443
  description                  = "from g, PORT"
  tags                         = { Name = "i" }
}
resource "aws_vpc_security_group_egress_rule" "e" {
  security_group_id = aws_security_group.h.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
`

// TestFiltersByTerraform makes, changes and destroys everything that filters packets.
func TestFiltersByTerraform(t *testing.T) {
	t.Parallel()
	tf := newTerraform(newAccount(t), strings.ReplaceAll(filters, "PORT", "80"))
	tf.apply()
	tf.config(strings.ReplaceAll(filters, "PORT", "81"))
	tf.apply()
	acls := awsJSON[struct {
		NetworkAcls []struct {
			Entries []struct {
				RuleNumber int
				Egress     bool
				PortRange  struct{ From, To int }
			}
			Associations []struct{ SubnetId string }
		}
	}](tf.account, "ec2", "describe-network-acls", "--filters", "Name=entry.port-range.from,Values=81")
	if len(acls.NetworkAcls) != 1 || len(acls.NetworkAcls[0].Associations) != 1 {
		t.Errorf("network ACLs with the new port: %+v", acls)
	}
	tf.destroy()
}
