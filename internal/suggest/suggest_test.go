package suggest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state"
	"pgregory.net/rapid"
)

var role = Principal{Account: "111111111111", ARN: "arn:aws:sts::111111111111:assumed-role/app/task1", RoleARN: "arn:aws:iam::111111111111:role/app"}

func use(action string, on ...state.ResourceUse) state.ActionUse {
	return state.ActionUse{Action: action, On: on}
}

func on(resource string) state.ResourceUse { return state.ResourceUse{Resource: resource, Allowed: 1} }

// The fifth seed's answer, to the letter.
func TestOneActionOnOneObject(t *testing.T) {
	p := For([]state.ActionUse{use("s3:PutObject", on("arn:aws:s3:::projectjz/ecs-example/sample.txt"))})
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:PutObject",
      "Resource": "arn:aws:s3:::projectjz/ecs-example/sample.txt"
    }
  ]
}`
	if got := p.Document(); got != want || len(p.Notes) > 0 {
		t.Errorf("%s\nnotes %q", got, p.Notes)
	}
}

// series is n resources that begin alike.
func series(start string, n int) []state.ResourceUse {
	var all []state.ResourceUse
	for i := range n {
		all = append(all, on(fmt.Sprint(start, i)))
	}
	return all
}

func TestSuggestions(t *testing.T) {
	task := strings.Repeat("0a", 16)
	withKeys := func(resource string, keys map[string]string) state.ResourceUse {
		u := on(resource)
		u.Keys = keys
		return u
	}
	denied := state.ResourceUse{Resource: "arn:aws:s3:::b/secret", Denied: 3}
	shared := on("arn:aws:kms:eu-west-1:111111111111:key/k")
	shared.ByResource = true
	rest := state.ResourceUse{Resource: "arn:aws:s3:::b/red/", Rest: true, Allowed: 900}
	cases := []struct {
		name  string
		uses  []state.ActionUse
		want  []string // statements: actions resources conditions
		notes []string
	}{
		{"nothing", nil, nil, nil},
		{"what was denied and what needs nothing are told", []state.ActionUse{use("kms:Decrypt", shared), use("s3:GetObject", denied)}, nil, []string{
			"not needed, because the resource's own policy allows it: kms:Decrypt on arn:aws:kms:eu-west-1:111111111111:key/k",
			"not included, because it was denied: s3:GetObject on arn:aws:s3:::b/secret",
		}},
		{"actions on the same resources share a statement", []state.ActionUse{use("ecr:BatchGetImage", on("arn:aws:ecr:eu-west-1:111111111111:repository/r")), use("ecr:GetAuthorizationToken", on("*")), use("ecr:GetDownloadUrlForLayer", on("arn:aws:ecr:eu-west-1:111111111111:repository/r"))}, []string{
			"[ecr:BatchGetImage ecr:GetDownloadUrlForLayer] [arn:aws:ecr:eu-west-1:111111111111:repository/r] map[]",
			"[ecr:GetAuthorizationToken] [*] map[]",
		}, nil},
		{"ten objects are named", []state.ActionUse{use("s3:PutObject", series("arn:aws:s3:::b/red/", 10)...)}, []string{
			"[s3:PutObject] [arn:aws:s3:::b/red/0 arn:aws:s3:::b/red/1 arn:aws:s3:::b/red/2 arn:aws:s3:::b/red/3 arn:aws:s3:::b/red/4 arn:aws:s3:::b/red/5 arn:aws:s3:::b/red/6 arn:aws:s3:::b/red/7 arn:aws:s3:::b/red/8 arn:aws:s3:::b/red/9] map[]",
		}, nil},
		{"eleven are not", []state.ActionUse{use("s3:PutObject", append(series("arn:aws:s3:::b/red/", 11), on("arn:aws:s3:::b/blue"))...)}, []string{
			"[s3:PutObject] [arn:aws:s3:::b/blue arn:aws:s3:::b/red/*] map[]",
		}, []string{"s3:PutObject: arn:aws:s3:::b/red/* stands for 11 resources that begin so"}},
		{"never all buckets, never all roles", []state.ActionUse{use("s3:ListBucket", series("arn:aws:s3:::b", 12)...), use("sts:AssumeRole", series("arn:aws:iam::111111111111:role/r", 12)...)}, []string{
			"[s3:ListBucket] [arn:aws:s3:::b0 arn:aws:s3:::b1 arn:aws:s3:::b10 arn:aws:s3:::b11 arn:aws:s3:::b2 arn:aws:s3:::b3 arn:aws:s3:::b4 arn:aws:s3:::b5 arn:aws:s3:::b6 arn:aws:s3:::b7 arn:aws:s3:::b8 arn:aws:s3:::b9] map[]",
			"[sts:AssumeRole] [arn:aws:iam::111111111111:role/r0 arn:aws:iam::111111111111:role/r1 arn:aws:iam::111111111111:role/r10 arn:aws:iam::111111111111:role/r11 arn:aws:iam::111111111111:role/r2 arn:aws:iam::111111111111:role/r3 arn:aws:iam::111111111111:role/r4 arn:aws:iam::111111111111:role/r5 arn:aws:iam::111111111111:role/r6 arn:aws:iam::111111111111:role/r7 arn:aws:iam::111111111111:role/r8 arn:aws:iam::111111111111:role/r9] map[]",
		}, nil},
		{"ids of tasks are another one each time", []state.ActionUse{use("logs:PutLogEvents", on("arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:app/app/"+task))}, []string{
			"[logs:PutLogEvents] [arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:app/app/*] map[]",
		}, []string{"logs:PutLogEvents: arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:app/app/* has a wildcard where each task or request has another id"}},
		{"ids of keys stay", []state.ActionUse{use("kms:Decrypt", withKeys("arn:aws:kms:eu-west-1:111111111111:key/0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a", map[string]string{"kms:viaservice": "secretsmanager.eu-west-1.amazonaws.com"}))}, []string{
			"[kms:Decrypt] [arn:aws:kms:eu-west-1:111111111111:key/0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a] map[StringEquals:map[kms:ViaService:[secretsmanager.eu-west-1.amazonaws.com]]]",
		}, nil},
		{"what was handed to whom", []state.ActionUse{use("iam:PassRole", withKeys("arn:aws:iam::111111111111:role/a", map[string]string{"iam:passedtoservice": "ecs-tasks.amazonaws.com"}), withKeys("arn:aws:iam::111111111111:role/b", map[string]string{"iam:passedtoservice": "ecs-tasks.amazonaws.com"}), withKeys("arn:aws:iam::111111111111:role/c", map[string]string{"iam:passedtoservice": "events.amazonaws.com"}))}, []string{
			"[iam:PassRole] [arn:aws:iam::111111111111:role/a arn:aws:iam::111111111111:role/b] map[StringEquals:map[iam:PassedToService:[ecs-tasks.amazonaws.com]]]",
			"[iam:PassRole] [arn:aws:iam::111111111111:role/c] map[StringEquals:map[iam:PassedToService:[events.amazonaws.com]]]",
		}, nil},
		{"a key that some requests lack narrows nothing", []state.ActionUse{use("s3:ListBucket", withKeys("arn:aws:s3:::b", map[string]string{"s3:prefix": "red/"}), on("arn:aws:s3:::b"))}, []string{"[s3:ListBucket] [arn:aws:s3:::b] map[]"}, nil},
		{"in which cluster", []state.ActionUse{
			use("ecs:RunTask", withKeys("arn:aws:ecs:eu-west-1:111111111111:task-definition/web:3", map[string]string{"ecs:cluster": "arn:aws:ecs:eu-west-1:111111111111:cluster/c"})),
			use("ecs:StopTask", withKeys("arn:aws:ecs:eu-west-1:111111111111:task/c/"+task, map[string]string{"ecs:cluster": "arn:aws:ecs:eu-west-1:111111111111:cluster/c"})),
		}, []string{
			"[ecs:RunTask] [arn:aws:ecs:eu-west-1:111111111111:task-definition/web:3] map[ArnEquals:map[ecs:cluster:[arn:aws:ecs:eu-west-1:111111111111:cluster/c]]]",
			"[ecs:StopTask] [arn:aws:ecs:eu-west-1:111111111111:task/c/*] map[]",
		}, []string{"ecs:StopTask: arn:aws:ecs:eu-west-1:111111111111:task/c/* has a wildcard where each task or request has another id"}},
		{"the rest", []state.ActionUse{use("s3:PutObject", on("arn:aws:s3:::b/red/1"), on("arn:aws:s3:::b/x"), rest)}, []string{"[s3:PutObject] [arn:aws:s3:::b/red/* arn:aws:s3:::b/x] map[]"},
			[]string{"s3:PutObject: there were more resources than are kept; arn:aws:s3:::b/red/* is what the others begin with"}},
		{"characters that mean something", []state.ActionUse{use("s3:PutObject", on("arn:aws:s3:::b/what?*$"))}, []string{"[s3:PutObject] [arn:aws:s3:::b/what${?}${*}${$}] map[]"}, nil},
	}
	for _, c := range cases {
		p := For(c.uses)
		var got []string
		for _, s := range p.Statements {
			got = append(got, fmt.Sprint(s.Actions, " ", s.Resources, " ", s.Conditions))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
		if !slices.Equal(p.Notes, c.notes) {
			t.Errorf("%s:\nnotes %q\nwant  %q", c.name, p.Notes, c.notes)
		}
		if r, err := Run(p.Document(), role, c.uses); err != nil || len(r.Differ) > 0 {
			t.Errorf("%s: replayed: %+v %v", c.name, r, err)
		}
	}
}

// Whatever was done, the suggestion allows it; only what a wildcard covers may be
// allowed besides.
func TestSuggestionsSuffice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.SampledFrom([]string{"a", "b", "c*", "d?", "${e}", strings.Repeat("0f", 16), "x y", "ü"})
		resource := rapid.Custom(func(t *rapid.T) state.ResourceUse {
			parts := rapid.SliceOfN(segment, 1, 4).Draw(t, "key")
			u := on("arn:aws:s3:::bucket/" + strings.Join(parts, "/"))
			if rapid.Bool().Draw(t, "denied") {
				u.Allowed, u.Denied = 0, 1
			}
			if rapid.Bool().Draw(t, "prefix") {
				u.Keys = map[string]string{"s3:prefix": strings.Join(parts, "/")}
			}
			return u
		})
		uses := []state.ActionUse{use("s3:GetObject", rapid.SliceOfN(resource, 0, 40).Draw(t, "gets")...), use("s3:ListBucket", rapid.SliceOfN(resource, 0, 40).Draw(t, "lists")...)}
		p := For(uses)
		r, err := Run(p.Document(), role, uses)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Differ {
			if !strings.Contains(d, "would be allowed") {
				t.Fatalf("%s\n%s", d, p.Document())
			}
		}
	})
}

func TestPoliciesCanBeTooLarge(t *testing.T) {
	var uses []state.ActionUse
	for i := range 20 {
		uses = append(uses, use(fmt.Sprintf("s3:Action%d", i), series(fmt.Sprintf("arn:aws:s3:::bucket-of-action-%d/a-long-prefix-of-ten-objects/", i), 10)...))
	}
	if p := For(uses); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "share it among managed policies") {
		t.Errorf("%q", p.Notes)
	}
}

func TestReplayTellsDifferences(t *testing.T) {
	uses := []state.ActionUse{use("s3:GetObject", on("arn:aws:s3:::b/x"), state.ResourceUse{Resource: "arn:aws:s3:::b/y", Denied: 1})}
	r, err := Run(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/y"}}`, role, uses)
	want := []string{
		"s3:GetObject on arn:aws:s3:::b/x was allowed and would be denied because no identity-based policy allows the s3:GetObject action",
		"s3:GetObject on arn:aws:s3:::b/y was denied and would be allowed",
	}
	if err != nil || !slices.Equal(r.Differ, want) {
		t.Errorf("%q %v", r.Differ, err)
	}
}
