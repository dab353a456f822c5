package loadbalancer

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// named is a target that says who it is.
func named(t testing.TB, name string) string {
	t.Helper()
	return target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "app", Value: "session"})
		}
		_, _ = io.WriteString(w, name)
	})
}

// members makes a compiled group of targets in states and zones.
func members(t *testing.T, g Group, cross bool, states ...Target) *group {
	t.Helper()
	s := New(Options{})
	for i := range states {
		states[i].Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 80)
	}
	g.Targets = states
	return s.compileGroup(g, cross, nil)
}

func TestWhoGetsRequests(t *testing.T) {
	h, u, i, d := Target{State: Healthy}, Target{State: Unhealthy}, Target{State: Initial}, Target{State: Draining}
	zoned := func(s State, zone string) Target { return Target{State: s, Zone: zone} }
	for _, tt := range []struct {
		name    string
		targets []Target
		cross   bool
		want    string // last bytes of the addresses
	}{
		{"healthy ones", []Target{h, u, h, i, d}, true, "0 2"},
		{"unhealthy ones when none is healthy", []Target{u, i, u, d}, true, "0 2"},
		{"never new or draining ones", []Target{i, d}, true, ""},
		{"those of the zone", []Target{zoned(Healthy, "a"), zoned(Healthy, "b"), zoned(Healthy, "all")}, false, "0 2"},
		{"all zones", []Target{zoned(Healthy, "a"), zoned(Healthy, "b")}, true, "0 1"},
		{"a zone fails open by itself", []Target{zoned(Unhealthy, "a"), zoned(Healthy, "b")}, false, "0"},
		{"no target in the zone", []Target{zoned(Healthy, "b")}, false, ""},
	} {
		g := members(t, Group{}, tt.cross, tt.targets...)
		var got []string
		for _, m := range g.candidates("a") {
			got = append(got, fmt.Sprint(m.Target.Addr.Addr().As4()[3]))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

// TestMinimumHealthyTargets: with too few healthy targets all get requests.
func TestMinimumHealthyTargets(t *testing.T) {
	h, u, d := Target{State: Healthy}, Target{State: Unhealthy}, Target{State: Draining}
	for _, tt := range []struct {
		count, percent int
		targets        []Target
		want           int
	}{
		{0, 0, []Target{h, u, u}, 1}, {1, 0, []Target{h, u, u}, 1}, {2, 0, []Target{h, u, u}, 3}, {2, 0, []Target{h, h, u}, 2},
		{0, 50, []Target{h, u, d}, 1}, {0, 51, []Target{h, u, d}, 2}, {0, 100, []Target{h, h}, 2}, {1, 60, []Target{h, h, u, u}, 4},
	} {
		g := members(t, Group{MinHealthy: tt.count, MinHealthyPercent: tt.percent}, true, tt.targets...)
		if got := len(g.candidates("a")); got != tt.want {
			t.Errorf("%+v: %d get requests", tt, got)
		}
	}
}

func TestRoundRobin(t *testing.T) {
	g := members(t, Group{}, true, Target{State: Healthy}, Target{State: Healthy}, Target{State: Healthy})
	got := map[*member]int{}
	for range 300 {
		got[g.pick("a", time.Now())]++
	}
	for _, n := range got {
		if n != 100 {
			t.Errorf("%v", got)
		}
	}
}

func TestLeastOutstanding(t *testing.T) {
	g := members(t, Group{Algorithm: LeastOutstanding}, true, Target{State: Healthy}, Target{State: Healthy}, Target{State: Healthy})
	g.members[0].outstanding.Store(2)
	g.members[1].outstanding.Store(1)
	g.members[2].outstanding.Store(5)
	for range 3 {
		if m := g.pick("a", time.Now()); m != g.members[1] {
			t.Errorf("%s gets it", m.name())
		}
	}
}

func TestSlowStart(t *testing.T) {
	now := time.Unix(10_000, 0)
	for _, tt := range []struct {
		age      time.Duration
		min, max int // of 2000 requests for two
	}{{3 * time.Second, 5, 90}, {50 * time.Second, 380, 640}, {100 * time.Second, 1000, 1000}} {
		g := members(t, Group{SlowStart: 100 * time.Second}, true, Target{State: Healthy, Since: now.Add(-time.Hour)}, Target{State: Healthy, Since: now.Add(-tt.age)})
		n := 0
		for range 2000 {
			if g.pick("a", now) == g.members[1] {
				n++
			}
		}
		if n < tt.min || n > tt.max {
			t.Errorf("after %s the new target got %d of 2000", tt.age, n)
		}
	}
}

func TestTargetStickiness(t *testing.T) {
	a, b := named(t, "a"), named(t, "b")
	r, addr := newRig(t, func(c *Config) { c.Groups[0].Stickiness = Stickiness{Type: LBCookie, Duration: time.Hour} }, a, b)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	_, first := get(t, client, "http://"+addr)
	for range 6 {
		if _, again := get(t, client, "http://"+addr); again != first {
			t.Fatalf("%s after %s", again, first)
		}
	}
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	set := resp.Header.Values("Set-Cookie")
	if len(set) != 2 || !strings.HasPrefix(set[0], "AWSALB=") || !strings.HasSuffix(set[0], "; Path=/") || !strings.Contains(set[0], "; Expires=") || !strings.HasPrefix(set[1], "AWSALBCORS=") || !strings.HasSuffix(set[1], "; Path=/; SameSite=None") {
		t.Errorf("%q", set)
	}
	for i := range r.config.Groups[0].Targets {
		state := Healthy
		if r.config.Groups[0].Targets[i].Addr.String() == map[string]string{"a": a, "b": b}[first] {
			state = Draining
		}
		r.config.Groups[0].Targets[i].State = state
	}
	r.apply()
	if _, other := get(t, client, "http://"+addr); other == first {
		t.Error("a draining target gets new requests")
	}
	u, _ := url.Parse("http://" + addr)
	jar.SetCookies(u, []*http.Cookie{{Name: "AWSALB", Value: "Zm9yZ2Vk"}, {Name: "AWSALBCORS", Value: "nonsense"}})
	if status, _ := get(t, client, "http://"+addr); status != 200 {
		t.Errorf("a forged cookie: %d", status)
	}
}

func TestApplicationStickiness(t *testing.T) {
	_, addr := newRig(t, func(c *Config) {
		c.Groups[0].Stickiness = Stickiness{Type: AppCookie, Duration: time.Hour, Cookie: "app"}
	}, named(t, "a"), named(t, "b"))
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	seen := map[string]bool{}
	for range 4 {
		_, who := get(t, client, "http://"+addr)
		seen[who] = true
	}
	if len(seen) != 2 {
		t.Errorf("sticky before the application's cookie: %v", seen)
	}
	_, first := get(t, client, "http://"+addr+"/login")
	for range 6 {
		if _, again := get(t, client, "http://"+addr); again != first {
			t.Fatalf("%s after %s", again, first)
		}
	}
}

func TestGroupStickiness(t *testing.T) {
	a, b := named(t, "a"), named(t, "b")
	_, addr := newRig(t, func(c *Config) {
		c.Groups[0].Targets = []Target{{Addr: mustAddr(a), State: Healthy}}
		c.Groups = append(c.Groups, Group{ID: "second", Protocol: HTTP, Targets: []Target{{Addr: mustAddr(b), State: Healthy}}})
		c.Listeners[0].Default = []rule.Action{{Type: rule.Forward, Forward: rule.ForwardTo{Groups: []rule.Weighted{{Group: groupID, Weight: 1}, {Group: "second", Weight: 1}}, Sticky: time.Hour}}}
	})
	got := map[string]int{}
	for range 40 {
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Jar: jar}
		_, first := get(t, client, "http://"+addr)
		got[first]++
		if _, again := get(t, client, "http://"+addr); again != first {
			t.Fatalf("%s after %s", again, first)
		}
		client.CloseIdleConnections()
	}
	if got["a"] == 0 || got["b"] == 0 {
		t.Errorf("%v", got)
	}
}

func TestTraceIDs(t *testing.T) {
	now := time.Unix(0x67891234, 0)
	for came, want := range map[string]string{
		"":                                     "Root=1-67891234-",
		"Root=1-5-6":                           "Self=1-67891234-",
		"Self=1-2-3;Root=1-5-6;CalledFrom=app": "Self=1-67891234-",
		"CalledFrom=app":                       "Root=1-67891234-",
	} {
		got := traceID(came, now)
		if !strings.HasPrefix(got, want) || strings.Count(got, "Self=") > 1 || strings.Contains(came, "CalledFrom") && !strings.HasSuffix(got, ";CalledFrom=app") || strings.Contains(came, "Root=1-5-6") && !strings.Contains(got, ";Root=1-5-6") {
			t.Errorf("%q becomes %q", came, got)
		}
	}
}
