package why

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

func TestNearestNames(t *testing.T) {
	if got := nearest("god", []string{"latest", "good", "v1"}); got[0] != "good" {
		t.Errorf("nearest to god: %v", got)
	}
	if !alike("sample-ap", "sample-app") || alike("web", "database") {
		t.Error("what is alike")
	}
}

// The memory that is proposed is one that Fargate has, with more CPU only where it must be.
func TestEnoughMemory(t *testing.T) {
	for _, c := range []struct{ cpu, mib, wantCPU, wantMemory int }{
		{256, 512, 256, 512}, {256, 600, 256, 1024}, {256, 4000, 512, 4096}, {1024, 2049, 1024, 3072}, {0, 100, 0, 100},
	} {
		if cpu, memory := enough(c.cpu, c.mib); cpu != c.wantCPU || memory != c.wantMemory {
			t.Errorf("enough(%d, %d) is %d, %d, want %d, %d", c.cpu, c.mib, cpu, memory, c.wantCPU, c.wantMemory)
		}
	}
}

func TestNewRevisionIsACommandToPaste(t *testing.T) {
	d := &state.TaskDefinition{Family: "app", Revision: 3, CPU: "256", Memory: "512", Containers: []state.ContainerDefinition{{Name: "a"}, {Name: "b"}}}
	got := newRevision(d, edit{container: "a", set: map[string]any{"image": "it's `x`"}, task: map[string]any{"memory": "1024"}})
	want := "aws ecs register-task-definition --cli-input-json \"$(aws ecs describe-task-definition --task-definition app:3 --output json --query 'taskDefinition.{family:family,networkMode:networkMode,volumes:volumes,cpu:cpu,memory:`\"1024\"`,containerDefinitions:[containerDefinitions[?name==`\"a\"`].merge(@,`{\"image\":\"it\\u0027s \\u0060x\\u0060\"}`),containerDefinitions[?name!=`\"a\"`]][]}')\" --query taskDefinition.taskDefinitionArn"
	if got != want {
		t.Errorf("the command is\n%s\nwant\n%s", got, want)
	}
}

// Fixes are in the language of what made the resource; commands come second.
func TestFixesInTheLanguageOfTheOrigin(t *testing.T) {
	all := []decision.Fix{{Lang: LangCloudFormation}, {Lang: LangTerraform}, {Lang: LangCLI}}
	for tool, want := range map[string]string{caller.CloudFormation: LangCloudFormation, caller.Terraform: LangTerraform, caller.SDK: LangCLI, "": LangCLI} {
		o := Origin{Tool: tool}
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(a, b decision.Fix) int { return o.rank(a) - o.rank(b) })
		if sorted[0].Lang != want || sorted[1].Lang != LangCLI && want != LangCLI {
			t.Errorf("of %q: %v, want %s first", tool, sorted, want)
		}
	}
}

// The entries of a fix let the packet and its replies pass, whatever denied them.
func TestACLEntriesAreEnough(t *testing.T) {
	subnet := netip.MustParsePrefix("10.0.1.0/24")
	internet := netip.MustParsePrefix("0.0.0.0/0")
	entry := func(number int, egress, allow bool, from, to int) network.ACLEntry {
		return network.ACLEntry{Number: number, Egress: egress, Allow: allow, Protocol: network.TCP, FromPort: from, ToPort: to, CIDR: internet}
	}
	for name, entries := range map[string][]network.ACLEntry{
		"none":         nil,
		"denies 443":   {entry(50, true, false, 443, 443), entry(49, true, false, 80, 80), entry(100, true, true, 0, 65535), entry(100, false, true, 0, 65535)},
		"denies reply": {entry(100, true, true, 0, 65535), entry(10, false, false, 1024, 65535)},
	} {
		v := network.VPC{ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
			Subnets:        []network.Subnet{{ID: "subnet-1", CIDR: subnet, RouteTable: "rtb-1", NetworkACL: "acl-1"}},
			RouteTables:    []network.RouteTable{{ID: "rtb-1", Routes: []network.Route{{Destination: internet, Target: network.Target{Kind: network.InternetGateway, ID: "igw-1"}}}}},
			SecurityGroups: []network.SecurityGroup{{ID: "sg-1", Egress: []network.Rule{{ID: "r", Protocol: network.AnyProtocol, CIDR: internet}}}},
			NetworkACLs:    []network.NetworkACL{{ID: "acl-1", Entries: entries}},
			ENIs:           []network.ENI{{ID: "eni-1", Kind: network.Attached, Subnet: "subnet-1", IP: netip.MustParseAddr("10.0.1.9"), Groups: []string{"sg-1"}, PublicIP: netip.MustParseAddr("198.19.0.9")}},
		}
		site := network.DefaultSite("")
		a := Attempt{VPC: v, ENI: "eni-1", Addr: netip.MustParseAddr("198.18.0.7"), Port: 443}
		missing := missingEntries(site, a)
		if len(missing) == 0 {
			t.Fatalf("%s: nothing is missing", name)
		}
		for _, e := range missing {
			v.NetworkACLs[0].Entries = append(v.NetworkACLs[0].Entries, e.ACLEntry)
		}
		if hops := network.Explain(site, v, a.flow()); !hops[len(hops)-1].Pass {
			t.Errorf("%s: with %+v, still %s", name, missing, hops[len(hops)-1].Text)
		}
	}
}

func TestPorts(t *testing.T) {
	addr := netip.MustParseAddrPort
	port := int32(80)
	c := state.ContainerDefinition{Name: "web", PortMappings: []state.PortMapping{{ContainerPort: &port, Protocol: "tcp"}}}
	d := &state.TaskDefinition{Containers: []state.ContainerDefinition{c}}
	for name, code := range map[string]string{"0.0.0.0:80": "", "[::]:80": "", "127.0.0.1:80": "run.bind-localhost", "0.0.0.0:8080": "run.wrong-port"} {
		f, ok := judgePort(d, 80, []netip.AddrPort{addr(name)})
		if ok != (code != "") || f.code != code {
			t.Errorf("listening on %s: %+v, want %q", name, f, code)
		}
	}
}
