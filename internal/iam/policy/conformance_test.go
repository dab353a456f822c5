package policy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// conformanceCase is one line of testdata/conformance.txt.
type conformanceCase struct {
	kind, page string
	line       int
	columns    []string
}

func (c conformanceCase) name() string { return strings.Join(c.columns, " ~ ") }

func conformanceCases(t *testing.T) []conformanceCase {
	t.Helper()
	text, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []conformanceCase
	var kind, page string
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if header, ok := strings.CutPrefix(line, "== "); ok {
			kind, page, _ = strings.Cut(header, " ")
			continue
		}
		columns := strings.Split(line, " | ")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		out = append(out, conformanceCase{kind, page, i + 1, columns})
	}
	return out
}

// asks are the principals of the table.
var asks = map[string]Principal{
	"user": asUser, "role": asRole, "root": asRoot, "anonymous": nobodyP, "service": service, "foreign": foreign,
	"foreignrole": {Account: other, ARN: "arn:aws:sts::" + other + ":assumed-role/worker/task", RoleARN: "arn:aws:iam::" + other + ":role/worker"},
	"foreignroot": {Account: other, ARN: "arn:aws:iam::" + other + ":root", Root: true},
	"federated":   {Account: acct, ARN: "arn:aws:sts::" + acct + ":federated-user/fred", RoleARN: user},
	"web":         {Federated: "arn:aws:iam::" + acct + ":oidc-provider/issuer.example"},
}

func grant(effect, principal, action string) string {
	return `{"Effect":"` + effect + `",` + principal + `,"Action":"` + action + `","Resource":"*"}`
}

func trusts(effect, principal, more string) string {
	return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"sts:AssumeRole"` + more + `}`
}

// named are the statements of the table.
var named = map[string]string{
	"allowAll": allowAll, "allowGet": allowGet, "allowPut": allowPut, "denyGet": denyGet,
	"notIAM":    `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`,
	"denyNotS3": `{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`,
	"blockAll":  blockRole, "grantAll": grantAll, "grantUser": grantUser, "grantRole": grantRole, "grantSession": grantSess,
	"grantAccount": grantAcct, "grantEve": grantEve, "grantService": grantSvc,
	"grantPut":            grant("Allow", `"Principal":"*"`, "s3:PutObject"),
	"grantOther":          grant("Allow", `"Principal":{"AWS":"222222222222"}`, "s3:GetObject"),
	"grantForeignRole":    grant("Allow", `"Principal":{"AWS":"arn:aws:iam::222222222222:role/worker"}`, "s3:GetObject"),
	"grantForeignSession": grant("Allow", `"Principal":{"AWS":"arn:aws:sts::222222222222:assumed-role/worker/task"}`, "s3:GetObject"),
	"grantFederated":      grant("Allow", `"Principal":{"AWS":"arn:aws:sts::111111111111:federated-user/fred"}`, "s3:GetObject"),
	"grantRoleByKey":      `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + role + `"}}}`,
	"denyAllButUser":      grant("Deny", `"NotPrincipal":{"AWS":["`+user+`","111111111111"]}`, "s3:*"),
	"denyAllButUserOnly":  grant("Deny", `"NotPrincipal":{"AWS":"`+user+`"}`, "s3:*"),
	"denyAllButSession":   grant("Deny", `"NotPrincipal":{"AWS":["`+sessn+`","`+role+`","111111111111"]}`, "s3:*"),
	"denyAllButRole":      grant("Deny", `"NotPrincipal":{"AWS":["`+role+`","111111111111"]}`, "s3:*"),
	"allowAssume":         `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`,
	"denyAssume":          `{"Effect":"Deny","Action":"sts:*","Resource":"*"}`,
	"trustUser":           trusts("Allow", `{"AWS":"`+user+`"}`, ""),
	"trustRole":           trusts("Allow", `{"AWS":"`+role+`"}`, ""),
	"trustAccount":        trusts("Allow", `{"AWS":"111111111111"}`, ""),
	"trustEve":            trusts("Allow", `{"AWS":"`+foreign.ARN+`"}`, ""),
	"trustOther":          trusts("Allow", `{"AWS":"222222222222"}`, ""),
	"trustEveryone":       trusts("Allow", `"*"`, ""),
	"trustService":        trusts("Allow", `{"Service":"ecs-tasks.amazonaws.com"}`, ""),
	"trustServiceDenied":  trusts("Allow", `{"Service":"ecs-tasks.amazonaws.com"}`, "") + "," + trusts("Deny", `{"Service":"ecs-tasks.amazonaws.com"}`, ""),
	"trustExternal":       trusts("Allow", `{"AWS":"`+user+`"}`, `,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`),
}

// documents are the texts of one case; "" is a policy that there is not.
type documents struct {
	identity, resource, boundary, session, endpoint string
	trust                                           bool
}

const empty = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"none:None","Resource":"*"}]}`

// ofNames is the document of statements of the table.
func ofNames(t *testing.T, names string) string {
	t.Helper()
	if names == "-" {
		return ""
	}
	if names == "none" {
		return empty
	}
	var statements []string
	for _, name := range strings.Fields(names) {
		if named[name] == "" {
			t.Fatalf("no statement %s", name)
		}
		statements = append(statements, named[name])
	}
	return ofStatements(statements...)
}

func ofStatements(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (d documents) set(t *testing.T) *Set {
	t.Helper()
	source := func(text string, kind Kind) *Source {
		if text == "" {
			return nil
		}
		doc, err := Parse(text, kind)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return &Source{"policy", doc}
	}
	kind := Resource
	if d.trust {
		kind = Trust
	}
	set := &Set{Boundary: source(d.boundary, Inline), Resource: source(d.resource, kind), Endpoint: source(d.endpoint, Resource), ResourceRequired: d.trust}
	if s := source(d.identity, Inline); s != nil {
		set.Identity = []Source{*s}
	}
	if s := source(d.session, Inline); s != nil {
		set.Session = []Source{*s}
	}
	return set
}

// request turns a line into documents and a request; want is its last column.
func (c conformanceCase) request(t *testing.T) (d documents, req Request, want string) {
	t.Helper()
	col := c.columns
	req = Request{Principal: asUser, Action: "s3:GetObject", Resource: s3Key, ResourceAccount: acct, Context: Keys{}}
	want = col[len(col)-1]
	allow := func(elements string) string { return ofStatements(`{"Effect":"Allow",` + elements + `}`) }
	switch c.kind {
	case "condition":
		values, err := json.Marshal(strings.Split(col[2], ","))
		if err != nil {
			t.Fatal(err)
		}
		d.identity = allow(`"Action":"*","Resource":"*","Condition":{"` + col[0] + `":{"` + col[1] + `":` + string(values) + `}}`)
		if col[3] != "-" {
			req.Context = Keys{strings.ToLower(col[1]): strings.Split(col[3], ",")}
		}
	case "value":
		d.identity = allow(`"Action":"*","Resource":"*","Condition":{"` + col[0] + `":{"` + col[1] + `":"` + col[2] + `"}}`)
		req.Context = keysOf(col[3])
	case "block":
		d.identity = allow(`"Action":"*","Resource":"*","Condition":` + col[0])
		req.Context = keysOf(col[1])
	case "action", "notaction":
		element := map[string]string{"action": "Action", "notaction": "NotAction"}[c.kind]
		d.identity, req.Action = allow(`"`+element+`":"`+col[0]+`","Resource":"*"`), col[1]
	case "resource", "notresource":
		element := map[string]string{"resource": "Resource", "notresource": "NotResource"}[c.kind]
		d.identity, req.Resource = allow(`"Action":"*","`+element+`":"`+col[0]+`"`), col[1]
	case "variable", "literal":
		d.identity, req.Resource, req.Context = allow(`"Action":"*","Resource":"`+col[0]+`"`), col[1], keysOf(col[2])
		if c.kind == "literal" {
			d.identity = strings.Replace(d.identity, "2012-10-17", "2008-10-17", 1)
		}
	case "principal":
		d.resource = allow(`"Principal":` + col[0] + `,"Action":"*","Resource":"*"`)
		req.Principal = c.who(t, col[1])
	case "logic":
		req.Principal = c.who(t, col[0])
		req.Context = Keys{"aws:principalarn": {req.Principal.ARN}}
		if req.Principal.RoleARN != "" {
			req.Context = Keys{"aws:principalarn": {req.Principal.RoleARN}}
		}
		d = documents{identity: ofNames(t, col[1]), resource: ofNames(t, col[2]), boundary: ofNames(t, col[3]), session: ofNames(t, col[4]), endpoint: ofNames(t, col[5])}
	case "trust":
		req.Principal, req.Action, req.Resource = c.who(t, col[0]), "sts:AssumeRole", role
		d = documents{identity: ofNames(t, col[1]), resource: ofNames(t, col[2]), trust: true}
	default:
		t.Fatalf("line %d: no kind %q", c.line, c.kind)
	}
	return d, req, want
}

func (c conformanceCase) who(t *testing.T, name string) Principal {
	t.Helper()
	p, ok := asks[name]
	if !ok {
		t.Fatalf("line %d: nobody is called %s", c.line, name)
	}
	return p
}

// keysOf reads "key=value,value;key=value".
func keysOf(text string) Keys {
	keys := Keys{}
	for _, pair := range strings.Split(text, ";") {
		if key, values, ok := strings.Cut(pair, "="); ok {
			keys[key] = strings.Split(values, ",")
		}
	}
	return keys
}

// TestConformance runs the table through the evaluator and, where it can, the
// naive one.
func TestConformance(t *testing.T) {
	cases := conformanceCases(t)
	if len(cases) < 400 {
		t.Errorf("%d cases, want 400 or more", len(cases))
	}
	seen := map[string]int{}
	for _, c := range cases {
		name := c.kind + " ~ " + c.name()
		if at, twice := seen[name]; twice {
			t.Errorf("line %d repeats line %d", c.line, at)
		}
		seen[name] = c.line
		if !strings.HasPrefix(c.page, "https://docs.aws.amazon.com/") {
			t.Errorf("line %d follows no page of AWS's documentation", c.line)
		}
		if c.kind == "document" {
			c.checkDocument(t)
			continue
		}
		d, req, want := c.request(t)
		set := d.set(t)
		r := Evaluate(&req, set)
		allowed := slices.Contains([]string{"yes", "allow"}, want) || strings.HasPrefix(want, "allow ")
		if got := verdict(r, want); got != want {
			t.Errorf("line %d: %s\n got %s\n%v\n see %s", c.line, c.name(), got, Explain(&req, set), c.page)
		}
		if n := (naive{req, req.Context.(Keys)}).allowed(d); n != allowed {
			t.Errorf("line %d: %s: the naive evaluator says %v", c.line, c.name(), n)
		}
	}
}

// verdict says what was decided in the words that the table uses there.
func verdict(r Result, want string) string {
	switch {
	case want == "yes" || want == "no":
		return map[bool]string{true: "yes", false: "no"}[r.Allowed]
	case want == "allow" || want == "deny":
		return map[bool]string{true: "allow", false: "deny"}[r.Allowed]
	case r.Allowed:
		return "allow " + r.By.String()
	}
	return strings.TrimSuffix(r.Because("s3:GetObject"), " the s3:GetObject action")
}

func (c conformanceCase) checkDocument(t *testing.T) {
	t.Helper()
	kind := map[string]Kind{"managed": Managed, "trust": Trust, "resource": Resource}[c.columns[0]]
	_, err := Parse(ofStatements("{"+c.columns[1]+"}"), kind)
	got := "ok"
	if err != nil {
		got = err.Error()
	}
	if got != c.columns[2] {
		t.Errorf("line %d: %s\n got %s\nwant %s", c.line, c.columns[1], got, c.columns[2])
	}
}
