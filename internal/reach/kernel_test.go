package reach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/network/networktest"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is a VPC with real packets, and a Finder for it.
type world struct {
	*networktest.World
	t      *testing.T
	host   *network.Kernel
	vpc    network.VPC
	finder *Finder
}

func (w *world) VPCView(string) (network.VPC, bool)    { return w.vpc, true }
func (w *world) Zone(string) (dns.Zone, bool)          { return dns.Zone{}, true }
func (w *world) IsEndpointService(string, string) bool { return false }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: networktest.New(t), t: t, vpc: example().VPC}
	s := network.DefaultSite(w.Instance)
	var err error
	w.host, err = network.Open(network.Options{Site: s, HostNS: w.Host.Path, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.host.Purge(context.Background()), w.host.Close()); err != nil {
			t.Error(err)
		}
	})
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for _, e := range w.vpc.ENIs {
			state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: "1", Region: "r", ID: e.ID, VpcID: w.vpc.ID, SubnetID: e.Subnet, PrivateIPAddress: e.IP.String(), PublicIPAddress: e.PublicIP.String(), Owner: e.Owner})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.finder = &Finder{DB: db, Site: s, Networks: w, Host: w.host}
	return w
}

func (w *world) set() {
	w.t.Helper()
	if err := w.host.Set(context.Background(), w.vpc); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ask(from, to string) Answer {
	w.t.Helper()
	answers, err := w.finder.Reach(w.t.Context(), Question{Account: "1", Region: "r", From: from, To: to})
	if err != nil || len(answers) != 1 {
		w.t.Errorf("%s to %s: %+v, %v", from, to, answers, err)
		return Answer{Path: Path{Hops: make([]network.Hop, 1)}}
	}
	return answers[0]
}

// What a probe meets, what listens, and what was seen being dropped is told.
func TestReachTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set()
	networktest.Greet(t, networktest.Listen(t, w.host.NetNS("eni-task"), "127.0.0.1:80"), "only to itself")

	a := w.ask("eni-alb", "eni-task:80")
	if a.Reachable || a.Probe.Outcome != Refused || a.Differ != "" || !strings.Contains(a.Why, "127.0.0.1 only") || !slices.Contains(a.Sockets, "tcp 80 on 127.0.0.1") {
		t.Errorf("bound to 127.0.0.1: %+v", a)
	}
	networktest.Greet(t, networktest.Listen(t, w.host.NetNS("eni-alb"), "0.0.0.0:443"), "hello")
	if a = w.ask("eni-task", "eni-alb:443"); !a.Reachable || a.Probe.Outcome != Connected || a.Probe.Latency == 0 || a.Why != "" {
		t.Errorf("open: %+v", a)
	}
	a = w.ask("eni-task", "eni-alb:22")
	if a.Reachable || a.Code != "ENI_SG_RULES_MISMATCH" || a.Probe.Outcome != TimedOut {
		t.Errorf("denied: %+v", a)
	}
	if want := []string{"the inbound rules of eni-alb dropped tcp 22 from 10.0.1.10 to 10.0.1.5"}; !slices.Equal(a.Probe.Drops, want) {
		t.Errorf("seen dropped: %q", a.Probe.Drops)
	}
	if a = w.ask("internet", "eni-task:80"); a.Reachable || !strings.Contains(a.Why, "from the internet (0.0.0.0/0); they allow tcp 80 only from sg-alb") {
		t.Errorf("from the internet: %+v", a)
	} else if a.Probe.Outcome != NotTried {
		t.Errorf("a probe of this machine's counts for the internet: %+v", a)
	}
	if a = w.ask("host", "eni-task:80"); a.Reachable || a.Probe.Outcome != TimedOut || a.Differ != "" {
		t.Errorf("from this machine: %+v", a)
	}
	for _, from := range []string{"internet", "host"} {
		if a = w.ask(from, "eni-alb:443"); !a.Reachable || a.Probe.Outcome != Connected || a.Differ != "" {
			t.Errorf("from %s to what is open: %+v", from, a)
		}
	}
	census, err := w.finder.WhoCanReach(Question{Account: "1", Region: "r", To: "eni-task:80"})
	if err != nil || len(census) != 1 || len(census[0].All) != 2 || !census[0].All[0].Pass || census[0].All[0].From.ENI != "eni-alb" || census[0].All[1].Pass {
		t.Errorf("who can reach: %+v, %v", census, err)
	}
}

// TestComputedIsObserved: in random VPCs, what is computed for a pair of
// interfaces is what a probe meets.
func TestComputedIsObserved(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if again, err := strconv.ParseUint(os.Getenv("NEARGATE_SEED"), 10, 64); err == nil {
		seed = again
	}
	t.Logf("NEARGATE_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	w.vpc.ENIs = slices.Clone(w.vpc.ENIs)
	for i, subnet := range []string{"subnet-a", "subnet-b"} {
		w.vpc.ENIs = append(w.vpc.ENIs, network.ENI{ID: fmt.Sprintf("eni-%d", i), Kind: network.Attached, Subnet: subnet, IP: addr(fmt.Sprintf("10.0.%d.30", i+1)), Groups: []string{"sg-alb"}})
	}
	must(t, w.finder.DB.Write(t.Context(), func(tx *store.Tx) error {
		for _, e := range w.vpc.ENIs {
			state.NetworkInterfaces.Put(tx, &state.NetworkInterface{Account: "1", Region: "r", ID: e.ID, VpcID: w.vpc.ID, PrivateIPAddress: e.IP.String()})
		}
		return nil
	}))
	served := false
	for round := range 4 {
		randomize(random, &w.vpc)
		w.set()
		if !served {
			served = true
			for _, e := range w.vpc.ENIs {
				if e.Kind == network.Attached {
					networktest.Greet(t, networktest.Listen(t, w.host.NetNS(e.ID), "0.0.0.0:80"), "hello")
				}
			}
		}
		w.compare(round)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// randomize gives the groups other rules, and the subnets other network ACLs.
func randomize(r *rand.Rand, v *network.VPC) {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	var groups []network.SecurityGroup
	for _, g := range v.SecurityGroups {
		rules := func() (all []network.Rule) {
			for i := range 1 + r.IntN(2) {
				rule := network.Rule{ID: fmt.Sprintf("sgr-%s%d%d", g.ID, i, r.IntN(1e6)), Protocol: network.TCP, FromPort: 80, ToPort: 80 + r.IntN(2)*400}
				if r.IntN(2) == 0 {
					rule.Group = pick("sg-alb", "sg-task", "sg-vpce")
				} else {
					rule.CIDR = prefix(pick("0.0.0.0/0", "0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.10/32"))
				}
				all = append(all, rule)
			}
			return all
		}
		groups = append(groups, network.SecurityGroup{ID: g.ID, Ingress: rules(), Egress: rules()})
	}
	v.SecurityGroups = groups
	v.NetworkACLs = []network.NetworkACL{{ID: "acl-r"}}
	for number, egress := range map[int]bool{10: true, 11: true, 20: false, 21: false} {
		entry := network.ACLEntry{Number: number, Egress: egress, Allow: true, Protocol: network.AnyProtocol, CIDR: prefix("0.0.0.0/0")}
		if number%10 == 0 {
			entry.Allow, entry.Protocol = r.IntN(2) == 0, network.TCP
			entry.FromPort, entry.ToPort = []int{80, 32768}[r.IntN(2)], 61000
			entry.CIDR = prefix(pick("10.0.1.0/24", "10.0.2.30/32"))
		}
		v.NetworkACLs[0].Entries = append(v.NetworkACLs[0].Entries, entry)
	}
	v.Subnets = slices.Clone(v.Subnets)
	for i := range v.Subnets {
		v.Subnets[i].NetworkACL = pick("acl-r", "")
	}
	v.ENIs = slices.Clone(v.ENIs)
	for i := range v.ENIs {
		v.ENIs[i].Groups = []string{pick("sg-alb", "sg-task", "sg-vpce")}
		v.ENIs[i].PublicIP = netip.Addr{}
	}
}

// compare asks about every pair of interfaces with servers.
func (w *world) compare(round int) {
	var asking sync.WaitGroup
	var mu sync.Mutex
	count := map[bool]int{}
	for _, from := range w.vpc.ENIs {
		for _, to := range w.vpc.ENIs {
			if from.ID == to.ID || from.Kind != network.Attached || to.Kind != network.Attached {
				continue
			}
			asking.Go(func() {
				a := w.ask(from.ID, to.ID+":80")
				mu.Lock()
				defer mu.Unlock()
				count[a.Reachable]++
				if a.Differ != "" {
					w.t.Errorf("round %d: %s to %s: %s\n%+v", round, from.ID, to.ID, a.Differ, a.Path.Hops)
				}
			})
		}
	}
	asking.Wait()
	w.t.Logf("round %d: %d reach, %d do not", round, count[true], count[false])
}
