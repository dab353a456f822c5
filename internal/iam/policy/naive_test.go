package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// naive evaluates documents straight from their JSON with regular expressions.
// It shares no code with the package but the types of a request.
type naive struct {
	req Request
	ctx map[string][]string
}

var errUnresolved = fmt.Errorf("variable without value")

func (n naive) glob(pattern, s string, wild, fold bool) (bool, error) {
	var re strings.Builder
	re.WriteString("(?s)^")
	if fold {
		re.Reset()
		re.WriteString("(?si)^")
	}
	variables := regexp.MustCompile(`\$\{[^}]*\}`)
	for pattern != "" {
		loc := variables.FindStringIndex(pattern)
		if loc != nil && loc[0] == 0 {
			name := pattern[2 : loc[1]-1]
			pattern = pattern[loc[1]:]
			if name == "*" || name == "?" || name == "$" {
				re.WriteString(regexp.QuoteMeta(name))
				continue
			}
			key, fallback, has := strings.Cut(name, ",")
			v := n.ctx[strings.ToLower(strings.TrimSpace(key))]
			switch {
			case len(v) == 1:
				re.WriteString(regexp.QuoteMeta(v[0]))
			case len(v) == 0 && has:
				re.WriteString(regexp.QuoteMeta(strings.Trim(strings.TrimSpace(fallback), "'")))
			default:
				return false, errUnresolved
			}
			continue
		}
		c := pattern[:1]
		pattern = pattern[1:]
		switch {
		case wild && c == "*":
			c = ".*"
		case wild && c == "?":
			c = "."
		default:
			c = regexp.QuoteMeta(c)
		}
		re.WriteString(c)
	}
	return regexp.MustCompile(re.String() + "$").MatchString(s), nil
}

func (n naive) list(v any) []string {
	if l, ok := v.([]any); ok {
		var out []string
		for _, e := range l {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// some is "one of the values matches": true wins over an errUnresolved variable.
func some(values []string, match func(string) (bool, error)) (bool, error) {
	var err error
	for _, v := range values {
		ok, e := match(v)
		if ok && e == nil {
			return true, nil
		}
		if e != nil {
			err = e
		}
	}
	return false, err
}

func (n naive) pair(operator, policy, given string) (bool, error) {
	number := func(s string) float64 { f, _ := strconv.ParseFloat(s, 64); return f }
	date := func(s string) time.Time { t, _ := time.Parse(time.RFC3339, s); return t }
	switch strings.Replace(operator, "Not", "", 1) {
	case "StringEquals":
		return n.glob(policy, given, false, false)
	case "StringEqualsIgnoreCase":
		return n.glob(policy, given, false, true)
	case "StringLike":
		return n.glob(policy, given, true, false)
	case "NumericEquals":
		return number(policy) == number(given), nil
	case "NumericLessThan":
		return number(given) < number(policy), nil
	case "NumericGreaterThanEquals":
		return number(given) >= number(policy), nil
	case "DateLessThan":
		return date(given).Before(date(policy)), nil
	case "Bool":
		return policy == given, nil
	case "IpAddress":
		return netip.MustParsePrefix(policy).Contains(netip.MustParseAddr(given)), nil
	case "ArnLike":
		p, g := strings.SplitN(policy, ":", 6), strings.SplitN(given, ":", 6)
		for i := range p {
			if ok, err := n.glob(p[i], g[i], true, false); !ok {
				return false, err
			}
		}
		return true, nil
	}
	panic(operator)
}

func (n naive) condition(operator, key string, values []string) (bool, error) {
	given := n.ctx[strings.ToLower(key)]
	if operator == "Null" {
		return slices.Contains(values, strconv.FormatBool(len(given) == 0)), nil
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	set, operator, found := strings.Cut(operator, ":")
	if !found {
		set, operator = "", set
	}
	negated := strings.Contains(operator, "Not")
	if len(given) == 0 {
		return ifExists || set == "ForAllValues" || negated && set == "", nil
	}
	good := 0
	for _, g := range given {
		ok, err := some(values, func(v string) (bool, error) { return n.pair(operator, v, g) })
		if err != nil {
			return false, err
		}
		if ok != negated {
			good++
		}
	}
	switch {
	case set == "ForAllValues" || set == "" && negated:
		return good == len(given), nil
	default:
		return good > 0, nil
	}
}

func (n naive) applies(s map[string]any) bool {
	lower := strings.ToLower(n.req.Action)
	action := func(v string) (bool, error) { return n.glob(strings.ToLower(v), lower, true, false) }
	resource := func(v string) (bool, error) { return n.glob(v, n.req.Resource, true, false) }
	for _, e := range []struct {
		name  string
		match func(string) (bool, error)
	}{{"Action", action}, {"Resource", resource}} {
		if v, ok := s[e.name]; ok {
			if ok, err := some(n.list(v), e.match); !ok || err != nil {
				return false
			}
		}
		if v, ok := s["Not"+e.name]; ok {
			if ok, err := some(n.list(v), e.match); ok || err != nil {
				return false
			}
		}
	}
	block, _ := s["Condition"].(map[string]any)
	for operator, keys := range block {
		for key, values := range keys.(map[string]any) {
			if ok, err := n.condition(operator, key, n.list(values)); !ok || err != nil {
				return false
			}
		}
	}
	return true
}

// strength of a resource policy's grant: 0 none, 1 account, 2 role, 3 direct.
func (n naive) strength(s map[string]any) int {
	best := 0
	if s["Principal"] == "*" {
		return map[bool]int{true: 2, false: 3}[n.req.Principal.RoleARN != ""]
	}
	m, _ := s["Principal"].(map[string]any)
	for _, v := range n.list(m["AWS"]) {
		switch v {
		case n.req.Principal.ARN:
			best = max(best, 3)
		case n.req.Principal.RoleARN:
			best = max(best, 2)
		case n.req.Principal.Account, "arn:aws:iam::" + n.req.Principal.Account + ":root":
			best = max(best, 1)
		}
	}
	return best
}

func statementsOf(document string) []map[string]any {
	var d struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		panic(err)
	}
	return d.Statement
}

// allowed has the whole logic once more, from the flow chart.
func (n naive) allowed(identity, boundary, session, resource string) bool {
	verdict := func(document string) (allow, deny bool) {
		for _, s := range statementsOf(document) {
			if n.applies(s) {
				allow = allow || s["Effect"] == "Allow"
				deny = deny || s["Effect"] == "Deny"
			}
		}
		return
	}
	allows := map[string]bool{}
	for _, d := range []string{identity, boundary, session} {
		if d != "" {
			allow, deny := verdict(d)
			if deny {
				return false
			}
			allows[d] = allow
		}
	}
	grant := 0
	if resource != "" {
		for _, s := range statementsOf(resource) {
			g := n.strength(s)
			if g == 0 || !n.applies(s) {
				continue
			}
			if s["Effect"] == "Deny" {
				return false
			}
			grant = max(grant, g)
		}
	}
	cross := n.req.ResourceAccount != n.req.Principal.Account
	limits := (boundary == "" || allows[boundary]) && (session == "" || allows[session])
	switch {
	case cross:
		return grant > 0 && allows[identity] && limits
	case grant == 3:
		return true
	case grant == 2:
		return limits
	}
	return allows[identity] && limits
}

// TestAgainstNaive: both evaluators agree about generated policies and requests.
func TestAgainstNaive(t *testing.T) {
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		n := naive{ctx: map[string][]string{}}
		for key, values := range contextValues {
			if rapid.Bool().Draw(t, "has "+key) {
				n.ctx[key] = rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 2, rapid.ID).Draw(t, key)
			}
		}
		n.req = Request{
			Principal:       rapid.SampledFrom([]Principal{asUser, asRole, foreign}).Draw(t, "who"),
			Action:          rapid.SampledFrom([]string{"s3:GetObject", "S3:PutObject", "ecs:RunTask"}).Draw(t, "action"),
			Resource:        rapid.SampledFrom([]string{s3Key, "arn:aws:s3:::bucket/bob", "*"}).Draw(t, "resource"),
			ResourceAccount: acct, Context: Keys(n.ctx),
		}
		identity := document(t, "identity", false)
		set := &Set{Identity: []Source{{"i", compiled(t, identity, Managed)}}}
		var boundary, session, resource string
		if rapid.Bool().Draw(t, "boundary?") {
			boundary = document(t, "boundary", false)
			set.Boundary = &Source{"b", compiled(t, boundary, Managed)}
		}
		if rapid.Bool().Draw(t, "session?") {
			session = document(t, "session", false)
			set.Session = []Source{{"s", compiled(t, session, Inline)}}
		}
		if rapid.Bool().Draw(t, "resource?") {
			resource = document(t, "resource", true)
			set.Resource = &Source{"r", compiled(t, resource, Resource)}
		}
		want := n.allowed(identity, boundary, session, resource)
		if got := Evaluate(&n.req, set); got.Allowed != want {
			t.Fatalf("got %+v, naive says %v\n%v", got, want, Explain(&n.req, set))
		}
		if want {
			allowed++
		}
	})
	if allowed == 0 {
		t.Error("nothing was ever allowed: the test is blind")
	}
}

func compiled(t *rapid.T, text string, kind Kind) *Document {
	d, err := Parse(text, kind)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

var contextValues = map[string][]string{
	"aws:username": {"bob", "eve", "Bob", "b*"}, "aws:tagkeys": {"a", "b", "c"}, "s3:max-keys": {"1", "2", "10"},
	"aws:sourceip": {"10.1.2.3", "192.168.1.1"}, "aws:currenttime": {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	"aws:securetransport": {"true", "false"}, "aws:sourcearn": {"arn:aws:ecs:eu-west-1:111111111111:task/c/1", "arn:aws:ecs:us-east-1:222222222222:task/c/2"},
}

var conditionChoices = []struct {
	operators, keys, values []string
}{
	{[]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"},
		[]string{"aws:username", "aws:TagKeys"}, []string{"bob", "b*", "B?b", "a", "b", "${aws:username}", "${s3:max-keys, 'bob'}", "${aws:nothing}", "${*}"}},
	{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"}, []string{"s3:max-keys"}, []string{"1", "2", "2.0", "10"}},
	{[]string{"DateLessThan"}, []string{"aws:CurrentTime"}, []string{"2026-06-01T00:00:00Z", "2025-01-01T00:00:00Z"}},
	{[]string{"Bool"}, []string{"aws:SecureTransport"}, []string{"true", "false"}},
	{[]string{"IpAddress", "NotIpAddress"}, []string{"aws:SourceIp"}, []string{"10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"}},
	{[]string{"ArnLike", "ArnNotLike"}, []string{"aws:SourceArn"}, []string{"arn:aws:ecs:*:111111111111:*", "arn:aws:ecs:us-east-1:*:task/*", "arn:*:ecs:*:*:task/c/?"}},
}

func document(t *rapid.T, name string, principals bool) string {
	var statements []map[string]any
	for i := range rapid.IntRange(1, 3).Draw(t, name) {
		label := fmt.Sprint(name, i)
		s := map[string]any{"Effect": rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, label)}
		actions := rapid.SampledFrom([]any{"*", "*", "s3:*", "S3:get*", "s3:?etObject", []any{"ecs:*", "s3:PutObject"}})
		s[rapid.SampledFrom([]string{"Action", "Action", "Action", "NotAction"}).Draw(t, label)] = actions.Draw(t, label)
		resources := rapid.SampledFrom([]any{"*", "*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/${aws:username}", "arn:aws:s3:::buc?et/k*", []any{"arn:aws:s3:::x", "arn:aws:s3:::bucket/${aws:nothing,'bob'}"}})
		s[rapid.SampledFrom([]string{"Resource", "Resource", "Resource", "NotResource"}).Draw(t, label)] = resources.Draw(t, label)
		if principals {
			s["Principal"] = rapid.SampledFrom([]any{"*", map[string]any{"AWS": acct}, map[string]any{"AWS": []any{role, foreign.ARN}}, map[string]any{"AWS": sessn}, map[string]any{"AWS": user}}).Draw(t, label)
		}
		if block := conditions(t, label); len(block) > 0 {
			s["Condition"] = block
		}
		statements = append(statements, s)
	}
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(b)
}

func conditions(t *rapid.T, label string) map[string]any {
	block := map[string]any{}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, label) {
		if rapid.IntRange(0, 9).Draw(t, label) == 0 {
			block["Null"] = map[string]any{"aws:username": rapid.SampledFrom([]string{"true", "false"}).Draw(t, label)}
			continue
		}
		c := rapid.SampledFrom(conditionChoices).Draw(t, label)
		operator := rapid.SampledFrom([]string{"", "", "ForAnyValue:", "ForAllValues:"}).Draw(t, label) + rapid.SampledFrom(c.operators).Draw(t, label) + rapid.SampledFrom([]string{"", "", "IfExists"}).Draw(t, label)
		block[operator] = map[string]any{rapid.SampledFrom(c.keys).Draw(t, label): rapid.SliceOfN(rapid.SampledFrom(c.values), 1, 3).Draw(t, label)}
	}
	return block
}
