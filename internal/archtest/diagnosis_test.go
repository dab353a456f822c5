package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"testing"

	"github.com/neargate/neargate/internal/diagnosis"
)

// explainers are the packages that name causes by the codes of the catalogue.
// Codes of the commands' own errors (package cli, package control) are not of it.
var explainers = []string{"internal/access", "internal/ec2", "internal/ecs", "internal/gateway", "internal/why"}

var diagnosisCode = regexp.MustCompile(`^(net|iam|reg|sec|logs|run|dep|stack|req|lb)\.[a-z]+(-[a-z]+)*$`)

// TestCodesAreInTheCatalogue: whoever names a cause names one that
// docs/diagnoses.md explains.
func TestCodesAreInTheCatalogue(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || under(explainers, s.dir) == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			code, err := strconv.Unquote(lit.Value)
			if err != nil || !diagnosisCode.MatchString(code) {
				return true
			}
			if _, known := diagnosis.Find(code); !known {
				t.Errorf("%s names %s, which is not in the catalogue of internal/diagnosis", s.path, code)
			}
			return true
		})
	}
}

// TestCatalogueNamesEachOnce: a code has one entry, and every entry says what it is.
func TestCatalogueNamesEachOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range diagnosis.Catalogue() {
		if seen[e.Code] || !diagnosisCode.MatchString(e.Code) || e.Cause == "" || e.Found == "" || e.Fix == "" {
			t.Errorf("the entry %+v", e)
		}
		seen[e.Code] = true
	}
}
