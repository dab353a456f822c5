package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/testenv"
)

// lines are the findings of a report as "file:line severity code".
func lines(r *Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s:%d %s %s", f.File, f.Line, f.Severity, f.Code))
	}
	return out
}

func check(t *testing.T, dir, file string, parameters ...string) *Report {
	t.Helper()
	given := map[string]string{}
	for i := 0; i+1 < len(parameters); i += 2 {
		given[parameters[i]] = parameters[i+1]
	}
	r, err := Check(t.Context(), Options{Files: os.DirFS(dir), Path: file, Parameters: given})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expect(t *testing.T, r *Report, want ...string) {
	t.Helper()
	if got := lines(r); !slices.Equal(got, want) {
		var b strings.Builder
		r.Text(&b, cli.Style{})
		t.Errorf("findings are\n%s\nwant\n%s\n\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), b.String())
	}
}

// The seven faults of the template are found where they stand, and nothing else.
// The empty execution role lacks what three purposes need.
func TestSevenFaults(t *testing.T) {
	r := check(t, "testdata", "seven.yml")
	expect(t, r,
		"seven.yml:25 error iam.exec-ecr", "seven.yml:25 error iam.exec-logs", "seven.yml:25 error iam.exec-secret", // 1
		"seven.yml:38 error iam.trust",              // 2
		"seven.yml:56 note reg.not-found",           // the image must be pushed first
		"seven.yml:63 error logs.no-group",          // 3
		"seven.yml:69 error sec.not-found",          // 4
		"seven.yml:82 error cfn.misplaced-property", // 5
		"seven.yml:93 error net.endpoint-missing",   // 6
		"seven.yml:102 error exec.no-task-role",     // 7
	)
	for _, f := range r.Findings {
		if f.Severity == Error && f.Fix.Text == "" {
			t.Errorf("%s has no fix", f.Code)
		}
	}
}

// The isolated VPC of the article deploys: there are warnings and notes only.
func TestIsolatedVPC(t *testing.T) {
	dir := testenv.Shared(t, "examples", "isolated-vpc")
	r := check(t, dir, "parent.yml")
	expect(t, r,
		"isolated-vpc.yml:143 note net.endpoint-unused",
		"isolated-vpc.yml:155 note exec.off",
		"isolated-vpc.yml:191 note net.endpoint-unused",
		"private-service.yml:73 warning dep.ingress")
	// With an image of the internet it cannot work.
	r = check(t, dir, "parent.yml", "ImageUri", "nginx:latest")
	if r.Count(Error) != 1 || !slices.Contains(lines(r), "private-service.yml:84 error net.no-route") {
		t.Errorf("findings with a public image are %q", lines(r))
	}
}

// A template with a NAT gateway and a load balancer, done right, is clean.
func TestClean(t *testing.T) {
	r := check(t, "testdata", "clean.yml")
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Code == "neargate.type" })
	expect(t, r)
	if r.Tasks != 1 {
		t.Errorf("%d tasks were followed", r.Tasks)
	}
}

// The slips in the Terraform of a hasty evening are found, and where.
func TestTypos(t *testing.T) {
	r := check(t, "testdata", "typos")
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Code == "neargate.type" })
	expect(t, r,
		"typos/main.tf:7 error tf.undeclared", "typos/main.tf:11 error tf.undeclared", "typos/main.tf:12 warning net.swapped-subnets",
		"typos/main.tf:29 error iam.no-policy", "typos/main.tf:47 error lb.certificate", "typos/main.tf:63 error ecs.fargate-size",
		"typos/main.tf:69 warning tf.dropped-key", "typos/main.tf:88 error tf.argument")
	if f := r.Findings[1]; f.Fix.Text != "var.private_subnets" || f.Fix.Lang != "terraform" {
		t.Errorf("the fix of a misspelt variable is %+v", f.Fix)
	}
}

// Terraform with a module, done right, is clean, and its task is followed
// through the subnets that the module makes.
func TestCleanTerraform(t *testing.T) {
	r := check(t, "testdata", "clean")
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Code == "neargate.type" })
	expect(t, r)
	if r.Tasks != 1 || r.Resources != 35 || len(r.Files) != 2 {
		t.Errorf("%d tasks, %d resources, %d files", r.Tasks, r.Resources, len(r.Files))
	}
}

// A port in the registry of a service whose names have A records only is refused
// where it is written.
func TestRegistriesByTerraform(t *testing.T) {
	r := check(t, "testdata", "discovery")
	if !slices.Contains(lines(r), "discovery/main.tf:40 error aws.refused") {
		t.Errorf("findings are %q", lines(r))
	}
}

// The article's Terraform, mended, has no errors.
func TestFargateTerraform(t *testing.T) {
	r := check(t, testenv.Shared(t, "examples"), "fargate-alb-terraform")
	if r.Count(Error) != 0 || !slices.Contains(lines(r), "fargate-alb-terraform/app.tf:273 warning tf.dropped-key") {
		t.Errorf("findings are %q", lines(r))
	}
}

// Output has the form of a compiler's.
func TestText(t *testing.T) {
	r := check(t, "testdata", "seven.yml")
	var b strings.Builder
	r.Text(&b, cli.Style{})
	for _, want := range []string{
		"seven.yml:63:15: error logs.no-group: container web logs to the group /ecs/web, which is not made here\n" +
			"   63 |               awslogs-group: /ecs/web\n      |               ^\n",
		"      LogGroup:\n        Type: AWS::Logs::LogGroup\n        Properties:\n          LogGroupName: /ecs/web\n",
		"✗ 9 errors, 0 warnings, 1 note in 10 resources; 2 task definitions followed\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("output lacks\n%s\nin\n%s", want, b.String())
		}
	}
}

// SARIF has what version 2.1.0 requires, and each result its rule and place.
func TestSARIF(t *testing.T) {
	r := check(t, "testdata", "seven.yml")
	var b bytes.Buffer
	if err := r.SARIF(&b, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name == "" {
		t.Fatalf("not a log of SARIF 2.1.0: %s", b.String())
	}
	run := log.Runs[0]
	if len(run.Results) != len(r.Findings) {
		t.Errorf("%d results of %d findings", len(run.Results), len(r.Findings))
	}
	for _, result := range run.Results {
		at := result.Locations[0].PhysicalLocation
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID || !slices.Contains([]string{"error", "warning", "note"}, result.Level) ||
			result.Message.Text == "" || at.ArtifactLocation.URI != "seven.yml" || at.Region.StartLine < 1 || at.Region.StartColumn < 1 {
			t.Errorf("a result is incomplete: %+v", result)
		}
	}
}

// What a running instance has is there, and nothing of it changes.
func TestState(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	group := &state.LogGroup{Account: "000000000000", Region: "us-east-1", Name: "/ecs/web"}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { state.LogGroups.Put(tx, group); return nil }); err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), Options{Files: os.DirFS("testdata"), Path: "seven.yml", State: &rehearsal.Origin{DB: db, Sealer: seal.Temporary()}})
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(r); slices.Contains(got, "seven.yml:63 error logs.no-group") || !slices.Contains(got, "seven.yml:69 error sec.not-found") {
		t.Errorf("findings with a log group that exists are %q", got)
	}
	tx := db.Read()
	for range state.Vpcs.All(tx, "") {
		t.Error("the check made a VPC in the instance")
	}
}

// Templates with language extensions are unfolded first.
func TestLanguageExtensions(t *testing.T) {
	const text = "Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::Groups:\n    - Name\n    - [A, B]\n    - Group${Name}:\n        Type: AWS::Logs::LogGroup\n        Properties: { LogGroupNam: !Ref Name }\n"
	r, err := Check(t.Context(), Options{Files: fstest.MapFS{"t.yml": &fstest.MapFile{Data: []byte(text)}}, Path: "t.yml"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Resources != 2 || r.Count(Error) != 1 || r.Findings[0].Code != "cfn.property" {
		t.Errorf("%d resources, findings %q", r.Resources, lines(r))
	}
}

// Every code is explained, in the list and on the page.
func TestCodes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "check.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if line := "| `" + code + "` | " + codes[code] + " |"; !strings.Contains(string(page), line) {
			t.Errorf("docs/check.md lacks the line\n%s", line)
		}
	}
	for _, name := range []string{"seven.yml", "clean.yml", "typos", "clean"} {
		for _, f := range check(t, "testdata", name).Findings {
			if about(f.Code) == "" {
				t.Errorf("%s is not in the list of codes", f.Code)
			}
		}
	}
}
