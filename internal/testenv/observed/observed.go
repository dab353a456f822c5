// Package observed holds our answers against error answers that AWS was seen to
// give (reference/aws-observed-errors.json of the shared folder). A service's
// test lists requests; each must be answered with code, status and text of an
// observed answer, and every observed answer of an operation that is served must
// be given by one of them or be excused with a reason.
package observed

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/testenv"
)

// Answer is an error answer of AWS. In Message, <name> and 111111111111 stand
// for what differs from run to run.
type Answer struct {
	Service    string `json:"service"`
	Operation  string `json:"operation"` // create_role; "" when it is not known which
	Code       string `json:"code"`
	Message    string `json:"message"`
	HTTPStatus int    `json:"httpStatus"`
}

// Request makes a service fail. Name says with what.
type Request struct {
	Name      string
	Operation string // CreateRole
	Do        func(t *testing.T) error
}

// Answers reads the observed answers of a service ("iam").
func Answers(t testing.TB, service string) []Answer {
	t.Helper()
	text, err := os.ReadFile(testenv.Shared(t, "reference", "aws-observed-errors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Errors []Answer }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var out []Answer
	for _, a := range file.Errors {
		if a.Service == service {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no observed answers of %s", service)
	}
	return out
}

// Check runs the requests. excused has the messages that our operations cannot
// give, with the reason; one that no answer has is an error, too.
func Check(t *testing.T, service string, model *wire.Service, requests []Request, excused map[string]string) {
	t.Helper()
	answers := Answers(t, service)
	given := make([]bool, len(answers))
	for _, r := range requests {
		t.Run(r.Operation+" "+r.Name, func(t *testing.T) {
			var got wire.Error
			if err := r.Do(t); !errors.As(err, &got) {
				t.Fatalf("got %v, want an error of AWS's", err)
			}
			found := false
			for i, a := range answers {
				if a.of(r.Operation) && a.is(got) {
					given[i], found = true, true
				}
			}
			if !found {
				t.Errorf("AWS was not seen to answer %d %s", got.HTTPStatus(), got)
			}
		})
	}
	stale := map[string]bool{}
	for message := range excused {
		stale[message] = true
	}
	unserved := 0
	for i, a := range answers {
		_, excuse := excused[a.Message]
		delete(stale, a.Message)
		switch {
		case given[i] && excuse:
			t.Errorf("%s is excused, but given", a)
		case given[i] || excuse:
		case !a.served(model):
			unserved++
		default:
			t.Errorf("not reproduced: %s", a)
		}
	}
	for message := range stale {
		t.Errorf("excused, but never observed: %s", message)
	}
	t.Logf("%d observed answers, %d of them of operations that are not carried out", len(answers), unserved)
}

func (a Answer) String() string { return a.Operation + ": " + a.Code + ": " + a.Message }

// of reports whether the answer belongs to the operation.
func (a Answer) of(operation string) bool {
	return a.Operation == "" || strings.EqualFold(strings.ReplaceAll(a.Operation, "_", ""), operation)
}

func (a Answer) served(model *wire.Service) bool {
	for name := range model.Operations {
		if a.of(name) {
			return true
		}
	}
	return false
}

var varying = regexp.MustCompile(`<[^<>]+>|111111111111`)

// is compares an error with the answer. A message "None" stands for no message.
func (a Answer) is(got wire.Error) bool {
	if got.ErrorCode() != a.Code || got.HTTPStatus() != a.HTTPStatus {
		return false
	}
	if a.Message == "None" || a.Message == "" {
		return got.ErrorMessage() == ""
	}
	var pattern strings.Builder
	rest := a.Message
	for _, loc := range varying.FindAllStringIndex(a.Message, -1) {
		at := len(a.Message) - len(rest)
		pattern.WriteString(regexp.QuoteMeta(rest[:loc[0]-at]))
		if a.Message[loc[0]] == '<' {
			pattern.WriteString(".+?")
		} else {
			pattern.WriteString(`\d{12}`)
		}
		rest = a.Message[loc[1]:]
	}
	ok, err := regexp.MatchString("(?s)^"+pattern.String()+regexp.QuoteMeta(rest)+"$", got.ErrorMessage())
	return ok && err == nil
}
