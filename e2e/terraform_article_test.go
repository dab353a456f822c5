package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/check"
	"github.com/neargate/neargate/internal/testenv"
)

// article is the fourth seed's own Terraform, typos and all, one block after the other.
func article(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(testenv.Shared(t, "seeds", "003_04bc81cdd9af2be7.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```terraform\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	// The provider here is a later one.
	return strings.Replace(strings.Join(blocks, "\n"), `"4.4.0"`, `">= 4.4.0"`, 1)
}

// mends are the fixes that check prints for the article, as a person would paste them.
var mends = []struct{ code, old, new string }{
	{"tf.undeclared", "provider \"aws\" {", "variable \"aws_region\" {\n  type = string\n}\n\nprovider \"aws\" {"},
	{"tf.undeclared", "var.public_subnets_ids", "var.public_subnet_ids"},
	{"tf.undeclared", "var.private_subnets_ids", "var.private_subnet_ids"},
	{"net.swapped-subnets", "(var.private_subnet_ids)\n  id    = var.public_subnet_ids[count.index]", "(var.private_subnet_ids)\n  id    = var.private_subnet_ids[count.index]"},
	{"tf.dropped-key", "    healthCheckGracePeriodSeconds = 60\n", ""},
	{"tf.dropped-key", "resource \"aws_ecs_service\" \"main\" {\n", "resource \"aws_ecs_service\" \"main\" {\n  health_check_grace_period_seconds = 60\n"},
	{"lb.no-listener", "resource \"aws_ecs_service\" \"main\" {\n", "resource \"aws_ecs_service\" \"main\" {\n  depends_on = [aws_alb_listener.https]\n"},
}

// TestArticleAsItIs: what `terraform validate` refuses of the article, one after the
// other, check refuses at once and at the same lines; it finds what validate passes;
// and with the fixes that it prints both are content.
func TestArticleAsItIs(t *testing.T) {
	t.Parallel()
	tf := terraformIn(newAccount(t), "article")
	text := article(t)
	tf.file("main.tf", []byte(text))
	tf.run("init", "-input=false", "-no-color", "-backend=false")

	// Terraform says one thing after the other: first what the provider's own block lacks.
	refused := tf.refusedLines()
	undeclared, found := tf.checkLines()
	if len(undeclared) != 4 || !slices.Equal(refused, undeclared[:1]) {
		t.Errorf("check finds undeclared names in the lines %v; terraform refuses %v first", undeclared, refused)
	}
	for _, f := range found {
		if f.Fix.Text == "" {
			t.Errorf("line %d: %s has no fix", f.Line, f.Code)
		}
	}
	declared := mends[0]
	tf.file("main.tf", []byte(strings.ReplaceAll(text, declared.old, declared.new)))
	refused = tf.refusedLines()
	if undeclared, _ := tf.checkLines(); len(undeclared) != 2 || !slices.Equal(undeclared, refused) {
		t.Errorf("with the region, check finds undeclared names in the lines %v, terraform in %v", undeclared, refused)
	}
	for _, m := range mends {
		if !slices.ContainsFunc(found, func(f check.Finding) bool { return f.Code == m.code }) {
			t.Errorf("check does not find %s", m.code)
		}
		if !strings.Contains(text, m.old) {
			t.Fatalf("the article has no %q", m.old)
		}
		text = strings.ReplaceAll(text, m.old, m.new)
	}
	tf.file("main.tf", []byte(text))
	if refused := tf.refusedLines(); len(refused) > 0 {
		t.Errorf("mended, terraform validate refuses the lines %v", refused)
	}
	if _, found := tf.checkLines(); len(found) > 0 {
		t.Errorf("mended, check finds %+v", found)
	}
}

// refusedLines are those with an error of `terraform validate`.
func (t *terraform) refusedLines() []int {
	t.t.Helper()
	out, _ := t.command("validate", "-json").Output() // its exit code tells the same
	var answer struct {
		Diagnostics []struct {
			Severity string
			Range    struct{ Start struct{ Line int } }
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.t.Fatalf("terraform validate: %v\n%s", err, out)
	}
	var lines []int
	for _, d := range answer.Diagnostics {
		if d.Severity == "error" {
			lines = append(lines, d.Range.Start.Line)
		}
	}
	slices.Sort(lines)
	return lines
}

// checkLines is what `neargate check` finds in the folder, and the lines of
// undeclared names among it.
func (t *terraform) checkLines() (undeclared []int, found []check.Finding) {
	t.t.Helper()
	r, err := check.Check(t.t.Context(), check.Options{Files: os.DirFS(t.folder), Path: "."})
	if err != nil {
		t.t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Code == "tf.undeclared" {
			undeclared = append(undeclared, f.Line)
		}
	}
	return undeclared, r.Findings
}
