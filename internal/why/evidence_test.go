package why

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/decision"
)

func TestEvidence(t *testing.T) {
	allow := decision.Decision{Phase: decision.IAM, Verdict: decision.Allow, Facts: []decision.Fact{{Name: "principal", Value: "arn:role"}, {Name: "action", Value: "ecr:GetAuthorizationToken"}, {Name: "resource", Value: "*"}, {Name: "endpoint", Value: "vpce-1"}}}
	d := decision.Decision{Phase: decision.Manifest, Verdict: decision.Timeout, Facts: []decision.Fact{
		{Name: "error", Value: `Head "https://r.example/v2/": dial tcp 198.18.0.1:443: i/o timeout`},
		{Name: "host", Value: "r.example"}, {Name: "address", Value: "198.18.0.1:443"}, {Name: "interface", Value: "eni-1"},
		{Name: "eni", Value: "eni-1 has the address 10.0.0.4 in subnet-1"}, {Name: "route", Value: "no route of rtb-1 leads to 198.18.0.1"}}}
	var got []string
	for _, s := range evidence(d, []decision.Decision{allow, allow, {Phase: decision.IAM, Verdict: decision.Deny}}) {
		got = append(got, s.Text)
	}
	want := []string{
		"allowed ecr:GetAuthorizationToken, through vpce-1",
		`manifest timed out: error Head "https://r.example/v2/": dial tcp 198.18.0.1:443: i/o timeout; interface eni-1`,
		"eni-1 has the address 10.0.0.4 in subnet-1", "no route of rtb-1 leads to 198.18.0.1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("evidence is\n%q\nwant\n%q", got, want)
	}
}

// What the agent decided is the cause; a refusal by IAM before it completes it,
// one that the task survived does not hide it.
func TestDecisive(t *testing.T) {
	refusal := decision.Decision{Phase: decision.IAM, Verdict: decision.Deny, Code: "iam.not-allowed", Cause: "role x may not", Fix: []decision.Fix{{Text: "allow it"}}}
	registry := decision.Decision{Phase: decision.RegistryAuth, Verdict: decision.Deny, Code: "iam.exec-ecr"}
	exit := decision.Decision{Phase: decision.Exit, Verdict: decision.Error, Code: "run.exit", Cause: "it ended"}
	allow := decision.Decision{Phase: decision.IAM, Verdict: decision.Allow}
	for name, c := range map[string]struct {
		all   []decision.Decision
		want  int
		cause string
	}{
		"nothing":            {[]decision.Decision{allow}, -1, ""},
		"execution role":     {[]decision.Decision{allow, refusal, registry}, 2, "role x may not"},
		"application denied": {[]decision.Decision{refusal, exit}, 1, "it ended"},
		"only a refusal":     {[]decision.Decision{allow, refusal}, 1, "role x may not"},
	} {
		i := decisive(c.all)
		if i != c.want {
			t.Errorf("%s: decision %d, want %d", name, i, c.want)
		} else if i >= 0 && withRefusal(c.all[i], c.all[:i]).Cause != c.cause {
			t.Errorf("%s: cause %q, want %q", name, withRefusal(c.all[i], c.all[:i]).Cause, c.cause)
		}
	}
}
