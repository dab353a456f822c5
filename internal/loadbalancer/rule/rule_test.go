package rule

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

func TestConditions(t *testing.T) {
	base := Request{Method: "GET", Host: "Www.Example.com:8080", Path: "/img/a.png", Query: "version=V1&name=a%20b&star=*", Source: netip.MustParseAddr("10.1.2.3"),
		Fields: []http1.Field{{Name: "User-Agent", Value: "Mozilla/5.0 (Chrome)"}, {Name: "X-Multi", Value: "one"}, {Name: "x-multi", Value: "two"}}}
	values := func(f Field, v ...string) []Condition { return []Condition{{Field: f, Values: v}} }
	query := func(p ...Pair) []Condition { return []Condition{{Field: QueryString, Pairs: p}} }
	for _, tt := range []struct {
		name       string
		conditions []Condition
		want       bool
	}{
		{"host in any case, without its port", values(HostHeader, "www.example.COM"), true},
		{"host by a pattern", values(HostHeader, "*.example.com"), true},
		{"another host", values(HostHeader, "example.com"), false},
		{"one of several hosts", values(HostHeader, "a.com", "www.example.co?"), true},
		{"path", values(PathPattern, "/img/a.png"), true},
		{"path by a pattern", values(PathPattern, "/img/*"), true},
		{"path by characters", values(PathPattern, "/img/?.png"), true},
		{"path in another case", values(PathPattern, "/IMG/*"), false},
		{"path without the query", values(PathPattern, "*version*"), false},
		{"method", values(Method, "POST", "GET"), true},
		{"method in another case", values(Method, "get"), false},
		{"header in any case", []Condition{{Field: HTTPHeader, Header: "user-agent", Values: []string{"*chrome*"}}}, true},
		{"header that comes twice", []Condition{{Field: HTTPHeader, Header: "X-Multi", Values: []string{"two"}}}, true},
		{"header that is missing", []Condition{{Field: HTTPHeader, Header: "X-None", Values: []string{"*"}}}, false},
		{"query pair in any case", query(Pair{"version", "v1"}), true},
		{"query value of any key", query(Pair{"", "v?"}), true},
		{"query, decoded", query(Pair{"name", "a b"}), true},
		{"query with a star itself", query(Pair{"star", `\*`}), true},
		{"a star itself is no pattern", query(Pair{"version", `\*`}), false},
		{"query key without that value", query(Pair{"version", "v2"}), false},
		{"source", values(SourceIP, "10.1.0.0/16"), true},
		{"another source", values(SourceIP, "10.2.0.0/16", "2001:db8::/32"), false},
		{"all conditions must be met", append(values(PathPattern, "/img/*"), values(Method, "POST")...), false},
		{"none", nil, true},
	} {
		set, err := Compile([]Rule{{Priority: 1, Conditions: tt.conditions}})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := set.Match(&base); (got != nil) != tt.want {
			t.Errorf("%s: %v", tt.name, got != nil)
		}
	}
}

func TestLowestPriorityFirst(t *testing.T) {
	any := []Condition{{Field: PathPattern, Values: []string{"*"}}}
	set, err := Compile([]Rule{{ID: "c", Priority: 300, Conditions: any}, {ID: "a", Priority: 1, Conditions: []Condition{{Field: Method, Values: []string{"PUT"}}}}, {ID: "b", Priority: 20, Conditions: any}})
	if err != nil {
		t.Fatal(err)
	}
	if r, n := set.Match(&Request{Method: "GET", Path: "/"}); r == nil || r.ID != "b" || n != 2 {
		t.Errorf("%v after %d", r, n)
	}
	if _, err := Compile([]Rule{{Conditions: []Condition{{Field: SourceIP, Values: []string{"x"}}}}}); err == nil {
		t.Error("a source that is no block is taken")
	}
	if _, err := Compile([]Rule{{Conditions: []Condition{{Field: "moon-phase"}}}}); err == nil {
		t.Error("an unknown field is taken")
	}
}

func TestLocation(t *testing.T) {
	o := Origin{Protocol: "http", Host: "example.com", Port: "80", Path: "/a/b", Query: "c=d"}
	for _, tt := range []struct {
		r    RedirectTo
		want string
	}{
		{RedirectTo{}, "http://example.com:80/a/b?c=d"},
		{RedirectTo{Protocol: "HTTPS", Port: "443", Host: "#{host}", Path: "/#{path}", Query: "#{query}"}, "https://example.com:443/a/b?c=d"},
		{RedirectTo{Protocol: "#{protocol}", Host: "new.#{host}", Port: "#{port}", Path: "/x/#{path}/y", Query: "z=1&#{query}"}, "http://new.example.com:80/x/a/b/y?z=1&c=d"},
	} {
		if got := tt.r.Location(o); got != tt.want {
			t.Errorf("%+v leads to %s, want %s", tt.r, got, tt.want)
		}
	}
	if got := (&RedirectTo{}).Location(Origin{Protocol: "http", Host: "h", Port: "80", Path: "/"}); got != "http://h:80/" {
		t.Errorf("without a query: %s", got)
	}
}

func TestWeights(t *testing.T) {
	f := ForwardTo{Groups: []Weighted{{"a", 1}, {"none", 0}, {"b", 3}}}
	got := map[string]int{}
	for n := range f.Total() {
		got[f.Pick(n)]++
	}
	if f.Total() != 4 || got["a"] != 1 || got["b"] != 3 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	if f := (ForwardTo{Groups: []Weighted{{"a", 0}, {"b", 0}}}); f.Total() != 0 || f.Pick(0) != "" {
		t.Error("groups without weight get requests")
	}
	if f := (ForwardTo{Groups: []Weighted{{"only", 0}}}); f.Pick(0) != "only" || f.Total() != 1 {
		t.Error("a single group needs no weight")
	}
}
