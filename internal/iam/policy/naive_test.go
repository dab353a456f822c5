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

// naiveDate reads the forms of dates that AWS documents, and seconds since 1970.
func naiveDate(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// pair compares one value of the policy with one of the request, by the
// operator without its Not.
func (n naive) pair(operator, policy, given string) (bool, error) {
	order := func() (int, bool) {
		if strings.HasPrefix(operator, "date") {
			p, ok := naiveDate(policy)
			g, fine := naiveDate(given)
			return int(g.Sub(p).Seconds()), ok && fine
		}
		p, err := strconv.ParseFloat(policy, 64)
		g, bad := strconv.ParseFloat(given, 64)
		if g < p {
			return -1, err == nil && bad == nil
		}
		return map[bool]int{true: 1}[g > p], err == nil && bad == nil
	}
	switch operator {
	case "stringequals", "binaryequals":
		return n.glob(policy, given, false, false)
	case "stringequalsignorecase":
		return n.glob(policy, given, false, true)
	case "stringlike":
		return n.glob(policy, given, true, false)
	case "bool":
		return strings.EqualFold(policy, given), nil
	case "ipaddress":
		if !strings.Contains(policy, "/") {
			return policy == given, nil
		}
		p, err := netip.ParsePrefix(policy)
		g, bad := netip.ParseAddr(given)
		return err == nil && bad == nil && p.Contains(g), nil
	case "arnequals", "arnlike":
		p, g := n.arnParts(policy), strings.SplitN(given, ":", 6)
		if len(p) != 6 || len(g) != 6 {
			return false, nil
		}
		for i := range p {
			if ok, err := n.glob(p[i], g[i], true, false); !ok {
				return false, err
			}
		}
		return true, nil
	}
	o, comparable := order()
	if !comparable {
		return false, nil
	}
	switch strings.TrimPrefix(strings.TrimPrefix(operator, "date"), "numeric") {
	case "equals":
		return o == 0, nil
	case "lessthan":
		return o < 0, nil
	case "lessthanequals":
		return o <= 0, nil
	case "greaterthan":
		return o > 0, nil
	case "greaterthanequals":
		return o >= 0, nil
	}
	panic(operator)
}

var inVariable = regexp.MustCompile(`\$\{[^}]*\}`)

// arnParts splits an ARN of a policy at the colons that are not in variables.
func (n naive) arnParts(policy string) []string {
	masked := inVariable.ReplaceAllStringFunc(policy, func(v string) string { return strings.Repeat("v", len(v)) })
	var parts []string
	for range 5 {
		i := strings.IndexByte(masked, ':')
		if i < 0 {
			break
		}
		parts = append(parts, policy[:i])
		masked, policy = masked[i+1:], policy[i+1:]
	}
	return append(parts, policy)
}

func (n naive) condition(operator, key string, values []string) (bool, error) {
	given := n.ctx[strings.ToLower(key)]
	operator = strings.ToLower(operator)
	if operator == "null" {
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, strconv.FormatBool(len(given) == 0)) }), nil
	}
	operator, ifExists := strings.CutSuffix(operator, "ifexists")
	set, operator, found := strings.Cut(operator, ":")
	if !found {
		set, operator = "", set
	}
	negated := strings.Contains(operator, "not")
	operator = strings.Replace(operator, "not", "", 1)
	if len(given) == 0 {
		switch set {
		case "forallvalues":
			return true, nil
		case "foranyvalue":
			return false, nil
		}
		return ifExists || negated, nil
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
	case set == "forallvalues" || set == "" && negated:
		return good == len(given), nil
	default:
		return good > 0, nil
	}
}

func (n naive) applies(s map[string]any) bool {
	lower := strings.ToLower(n.req.Action)
	action := func(v string) (bool, error) { return n.glob(strings.ToLower(v), lower, true, false) }
	resource := func(v string) (bool, error) {
		if strings.HasPrefix(v, "arn:") {
			for len(n.arnParts(v)) < 6 {
				v += ":*"
			}
		}
		return n.glob(v, n.req.Resource, true, false)
	}
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
	if block, not := s["NotPrincipal"]; not {
		return n.spared(s["Effect"] == "Deny", block)
	}
	return n.meant(s["Principal"])
}

func (n naive) meant(block any) int {
	who := n.req.Principal
	everyone := map[bool]int{true: 2, false: 3}[who.RoleARN != ""]
	m, _ := block.(map[string]any)
	switch {
	case block == "*":
		m = map[string]any{"AWS": "*"}
	case m == nil:
		return 3
	}
	if who.Service != "" || who.Federated != "" {
		kind, name := "Service", who.Service
		if who.Federated != "" {
			kind, name = "Federated", who.Federated
		}
		if m[kind] != nil && slices.Contains(n.list(m[kind]), name) {
			return 3
		}
		// A service is everyone, too; a web identity is nobody of AWS's.
		return map[bool]int{true: 3}[who.Service != "" && m["AWS"] != nil && slices.Contains(n.list(m["AWS"]), "*")]
	}
	if m["AWS"] == nil {
		return 0
	}
	best := 0
	for _, v := range n.list(m["AWS"]) {
		switch {
		case v == "*":
			best = max(best, everyone)
		case who.Account == "":
		case v == who.Account || v == "arn:aws:iam::"+who.Account+":root":
			best = max(best, map[bool]int{true: 3, false: 1}[who.Root])
		case v == who.ARN:
			best = max(best, 3)
		case v == who.RoleARN:
			best = max(best, 2)
		}
	}
	return best
}

// spared is the strength of a NotPrincipal: a Deny spares whom it names in
// every form, an Allow leaves out whom it names in any.
func (n naive) spared(deny bool, block any) int {
	who := n.req.Principal
	if n.meant(block) == 0 {
		return 3
	}
	m, _ := block.(map[string]any)
	if !deny || who.Account == "" || m == nil {
		return 0
	}
	named := n.list(m["AWS"])
	account := slices.Contains(named, who.Account) || slices.Contains(named, "arn:aws:iam::"+who.Account+":root")
	self := who.Root || slices.Contains(named, who.ARN)
	behind := who.RoleARN == "" || slices.Contains(named, who.RoleARN)
	if slices.Contains(named, "*") || account && self && behind {
		return 0
	}
	return 3
}

func statementsOf(document string) []map[string]any {
	var d struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		panic(err)
	}
	if d.Version == "2012-10-17" {
		return d.Statement
	}
	// Older documents have no variables: write their $ as the escape.
	text, _ := json.Marshal(d.Statement)
	var out []map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "${", "${$}{")), &out); err != nil {
		panic(err)
	}
	return out
}

// allowed has the whole logic once more, from the flow chart.
func (n naive) allowed(d documents) bool {
	who := n.req.Principal
	allows := func(document string) (allow, deny bool) {
		for _, s := range statementsOf(document) {
			if _, names := s["Principal"]; names && n.meant(s["Principal"]) == 0 {
				continue
			}
			if _, names := s["NotPrincipal"]; names && n.strength(s) == 0 {
				continue
			}
			if n.applies(s) {
				allow = allow || s["Effect"] == "Allow"
				deny = deny || s["Effect"] == "Deny"
			}
		}
		return
	}
	has := map[string]bool{}
	for name, text := range map[string]string{"identity": d.identity, "boundary": d.boundary, "session": d.session, "endpoint": d.endpoint} {
		if text == "" {
			has[name] = name != "identity"
			continue
		}
		allow, deny := allows(text)
		if deny {
			return false
		}
		has[name] = allow
	}
	granted := 0
	if d.resource != "" {
		for _, s := range statementsOf(d.resource) {
			g := n.strength(s)
			if g == 0 || !n.applies(s) {
				continue
			}
			if s["Effect"] == "Deny" {
				return false
			}
			granted = max(granted, g)
		}
	}
	limits := has["boundary"] && has["session"]
	identity := has["identity"] || who.Root
	switch {
	case !has["endpoint"]:
		return false
	case who.Account == "" || who.Service != "":
		return granted > 0
	case n.req.ResourceAccount != who.Account:
		return granted > 0 && identity && limits
	case d.trust && granted == 0:
		return false
	case granted == 3:
		return true
	case granted == 2:
		return limits
	}
	return identity && limits
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
			Principal:       rapid.SampledFrom(principals).Draw(t, "who"),
			Action:          rapid.SampledFrom([]string{"s3:GetObject", "S3:PutObject", "ecs:RunTask"}).Draw(t, "action"),
			Resource:        rapid.SampledFrom([]string{s3Key, "arn:aws:s3:::bucket/bob", "arn:aws:s3:::bucket/${aws:username}", "*"}).Draw(t, "resource"),
			ResourceAccount: acct, Context: Keys(n.ctx),
		}
		maybe := func(name string, principals bool) string {
			if !rapid.Bool().Draw(t, name+"?") {
				return ""
			}
			return document(t, name, principals)
		}
		d := documents{identity: document(t, "identity", false), boundary: maybe("boundary", false), session: maybe("session", false), resource: maybe("resource", true)}
		if rapid.IntRange(0, 3).Draw(t, "endpoint?") == 0 {
			d.endpoint = document(t, "endpoint", true)
		}
		set := &Set{Identity: []Source{{"i", compiled(t, d.identity, Inline)}}}
		one := func(text string, kind Kind) *Source {
			if text == "" {
				return nil
			}
			return &Source{"p", compiled(t, text, kind)}
		}
		set.Boundary, set.Resource, set.Endpoint = one(d.boundary, Inline), one(d.resource, Resource), one(d.endpoint, Resource)
		if s := one(d.session, Inline); s != nil {
			set.Session = []Source{*s}
		}
		d.trust = rapid.IntRange(0, 4).Draw(t, "required") == 0
		set.ResourceRequired = d.trust
		want := n.allowed(d)
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

var principals = []Principal{asUser, asUser, asRole, asRole, foreign, asRoot, service, nobodyP, asks["federated"], asks["web"], asks["foreignrole"]}

// resourcePrincipals are what the statements of resource policies name.
var resourcePrincipals = []any{
	"*", map[string]any{"AWS": "*"}, map[string]any{"AWS": acct}, map[string]any{"AWS": []any{role, foreign.ARN}}, map[string]any{"AWS": sessn}, map[string]any{"AWS": user},
	map[string]any{"AWS": []any{sessn, role, acct}}, map[string]any{"AWS": []any{user, acct}}, map[string]any{"Service": "ecs-tasks.amazonaws.com"},
	map[string]any{"Service": "ecs.amazonaws.com", "AWS": other}, map[string]any{"Federated": asks["web"].Federated}, map[string]any{"AWS": asks["federated"].ARN},
}

var contextValues = map[string][]string{
	"aws:username": {"bob", "eve", "Bob", "b*"}, "aws:tagkeys": {"a", "b", "c"}, "s3:max-keys": {"1", "2", "10"},
	"aws:sourceip": {"10.1.2.3", "192.168.1.1"}, "aws:currenttime": {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	"aws:epochtime": {"1767225600", "1798761600"}, "example:binary": {"QQ==", "Qg=="},
	"aws:securetransport": {"true", "false"}, "aws:sourcearn": {"arn:aws:ecs:eu-west-1:111111111111:task/c/1", "arn:aws:ecs:us-east-1:222222222222:task/c/2"},
}

var conditionChoices = []struct {
	operators, keys, values []string
}{
	{[]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"},
		[]string{"aws:username", "aws:TagKeys"}, []string{"bob", "b*", "B?b", "a", "b", "${aws:username}", "${s3:max-keys, 'bob'}", "${aws:nothing}", "${*}"}},
	{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}, []string{"s3:max-keys"}, []string{"1", "2", "2.0", "10"}},
	{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}, []string{"aws:CurrentTime", "aws:EpochTime"},
		[]string{"2026-06-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2027-01-01", "1767225600"}},
	{[]string{"BinaryEquals"}, []string{"example:binary"}, []string{"QQ==", "qq=="}},
	{[]string{"Bool"}, []string{"aws:SecureTransport"}, []string{"true", "false"}},
	{[]string{"IpAddress", "NotIpAddress"}, []string{"aws:SourceIp"}, []string{"10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"}},
	{[]string{"ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"}, []string{"aws:SourceArn"}, []string{"arn:aws:ecs:*:111111111111:*", "arn:aws:ecs:us-east-1:*:task/*", "arn:*:ecs:*:*:task/c/?", "arn:aws:ecs:*:*:task/c/${s3:max-keys, '1'}", "arn:aws:ecs"}},
}

func document(t *rapid.T, name string, principals bool) string {
	var statements []map[string]any
	for i := range rapid.IntRange(1, 3).Draw(t, name) {
		label := fmt.Sprint(name, i)
		s := map[string]any{"Effect": rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, label)}
		actions := rapid.SampledFrom([]any{"*", "*", "s3:*", "S3:get*", "s3:?etObject", []any{"ecs:*", "s3:PutObject"}})
		s[rapid.SampledFrom([]string{"Action", "Action", "Action", "NotAction"}).Draw(t, label)] = actions.Draw(t, label)
		resources := rapid.SampledFrom([]any{"*", "*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/${aws:username}", "arn:aws:s3:::buc?et/k*", "arn:aws:s3", "arn:aws:ecs:*", []any{"arn:aws:s3:::x", "arn:aws:s3:::bucket/${aws:nothing,'bob'}"}})
		s[rapid.SampledFrom([]string{"Resource", "Resource", "Resource", "NotResource"}).Draw(t, label)] = resources.Draw(t, label)
		if principals {
			name := rapid.SampledFrom([]string{"Principal", "Principal", "Principal", "NotPrincipal"}).Draw(t, label)
			s[name] = rapid.SampledFrom(resourcePrincipals).Draw(t, label)
		}
		if block := conditions(t, label); len(block) > 0 {
			s["Condition"] = block
		}
		statements = append(statements, s)
	}
	version := rapid.SampledFrom([]string{"2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"}).Draw(t, name)
	b, _ := json.Marshal(map[string]any{"Version": version, "Statement": statements})
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
