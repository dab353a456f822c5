package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/model"
	"github.com/neargate/neargate/internal/testenv"
)

// suite is a list of cases with the model that they share.
type suite struct {
	Description string                  `json:"description"`
	Metadata    model.Metadata          `json:"metadata"`
	Shapes      map[string]*model.Shape `json:"shapes"`
	Cases       []vector                `json:"cases"`
}

type vector struct {
	ID         string          `json:"id"`
	Given      model.Operation `json:"given"`
	Params     any             `json:"params"`
	Serialized struct {
		Method  string            `json:"method"`
		URI     string            `json:"uri"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"serialized"`
	Result       any    `json:"result"`
	Error        any    `json:"error"`
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
	Response     struct {
		Status  int            `json:"status_code"`
		Headers map[string]any `json:"headers"`
		Body    string         `json:"body"`
	} `json:"response"`
}

// TestVectors runs AWS's protocol vectors backwards: requests are decoded and
// compared with the parameters that a client was given; results and errors are
// encoded and compared with the response that a client would read.
func TestVectors(t *testing.T) {
	root := testenv.Shared(t, "protocols")
	skipped := readSkipped(t)
	passed, skips := 0, 0
	for _, dir := range []string{"input", "output", "legacy/input", "legacy/output"} {
		files, _ := filepath.Glob(filepath.Join(root, dir, "*.json"))
		for _, file := range files {
			for _, s := range readSuites(t, file) {
				for i, c := range s.Cases {
					name := dir + "/" + strings.TrimSuffix(filepath.Base(file), ".json") + "/" + c.ID
					if c.ID == "" {
						name += fmt.Sprintf("%s#%d", strings.ReplaceAll(s.Description, " ", "_"), i)
					}
					if skipped[name] {
						delete(skipped, name)
						skips++
						continue
					}
					ok := t.Run(name, func(t *testing.T) {
						if strings.HasSuffix(dir, "input") {
							runInput(t, s, c)
						} else {
							runOutput(t, s, c)
						}
					})
					if ok {
						passed++
					}
				}
			}
		}
	}
	for name := range skipped {
		t.Errorf("testdata/vectors-not-applicable.txt names %s, which does not exist", name)
	}
	t.Logf("%d cases pass, %d do not apply", passed, skips)
	if passed < 600 {
		t.Errorf("only %d cases passed", passed)
	}
}

func readSuites(t *testing.T, file string) []suite {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var suites []suite
	if err := json.Unmarshal(raw, &suites); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return suites
}

// readSkipped reads the list of cases that do not apply to a server, each with a reason.
func readSkipped(t *testing.T) map[string]bool {
	raw, err := os.ReadFile("testdata/vectors-not-applicable.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, _ := strings.Cut(line, " ")
		if strings.TrimSpace(reason) == "" {
			t.Errorf("%s is left out without a reason", name)
		}
		out[name] = true
	}
	return out
}

func (s suite) dynamic() dynamic {
	return dynamic{&model.Service{Metadata: s.Metadata, Shapes: s.Shapes, Operations: map[string]*model.Operation{}}}
}

func runInput(t *testing.T, s suite, c vector) {
	if c.Given.HTTP.Method == "" {
		c.Given.HTTP = model.HTTP{Method: "POST", RequestURI: "/"}
	}
	op := s.dynamic().operation(&c.Given)
	body := []byte(c.Serialized.Body)
	if op.Service.speaks(RPCv2) {
		body, _ = base64.StdEncoding.DecodeString(c.Serialized.Body)
	}
	method := c.Serialized.Method
	if method == "" {
		method = c.Given.HTTP.Method
	}
	r := httptest.NewRequest(method, "http://example.com"+c.Serialized.URI, bytes.NewReader(body))
	for k, v := range c.Serialized.Headers {
		r.Header.Set(k, v)
	}
	form, err := ParseForm(r, body)
	if err != nil {
		form = nil
	}
	routed, protocol, err := op.Service.Route(r, form)
	if err != nil || routed != op {
		t.Fatalf("routed to %v: %v", routed, err)
	}
	got, err := op.Decode(protocol, r, body)
	if err != nil {
		t.Fatal(err)
	}
	want := op.NewInput()
	root := &shape{kind: kindStruct, plan: op.inputPlan()}
	fill(root, reflect.ValueOf(want).Elem(), c.Params)
	if !same(reflect.ValueOf(got), reflect.ValueOf(want)) {
		t.Errorf("decoded %s\nwant    %s\nfrom %s %s", show(got), show(want), c.Serialized.URI, c.Serialized.Body)
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

func runOutput(t *testing.T, s suite, c vector) {
	d := s.dynamic()
	if c.Given.Name == "" {
		c.Given.Name = "OperationName"
	}
	op := d.operation(&c.Given)
	protocol := op.Service.Protocols[0]
	if root, err := readXML([]byte(c.Response.Body)); err == nil && c.ErrorCode == "" {
		op.assumeRoot(root, strings.Contains(t.Name(), "legacy"))
	}
	w := httptest.NewRecorder()
	if c.Error != nil || c.ErrorCode != "" {
		f := failure{code: c.ErrorCode, shape: c.ErrorCode, message: c.ErrorMessage, status: c.Response.Status}
		for _, ref := range c.Given.Errors {
			exception := d.Shapes[ref.Shape]
			if exception.ErrorCode(ref.Shape) != c.ErrorCode && ref.Shape != c.ErrorCode && len(c.Given.Errors) > 1 {
				continue
			}
			f.shape = ref.Shape
			f.value = reflect.New(d.structure(ref.Shape, map[string]int{})).Elem()
			f.plan = planOf(f.value.Type())
			fill(&shape{kind: kindStruct, plan: f.plan}, f.value, c.Error)
			if members, ok := c.Error.(map[string]any); ok && f.message == "" {
				f.message, _ = members["Message"].(string)
			}
			if exception.Error == nil || exception.Error.HTTPStatusCode == 0 {
				break
			}
			if f.status = exception.ErrorStatus(); f.status != c.Response.Status {
				t.Errorf("status of %s is %d", ref.Shape, f.status)
			}
			break
		}
		if err := f.encode(op.Service, protocol, w, "request-id"); err != nil {
			t.Fatal(err)
		}
	} else {
		var out any
		if op.NewOutput != nil {
			out = op.NewOutput()
			fill(&shape{kind: kindStruct, plan: planOf(reflect.TypeOf(out).Elem())}, reflect.ValueOf(out).Elem(), c.Result)
		}
		if err := op.Encode(protocol, w, out, "request-id"); err != nil {
			t.Fatal(err)
		}
	}
	compareResponse(t, op.Service.Protocols[0], c, w)
}

// assumeRoot takes from the expected answer what these models leave open: the
// service's namespace, and in the old suites the root element.
func (op *Operation) assumeRoot(root *xmlNode, old bool) {
	if ns, ok := root.attr("xmlns"); ok && !op.Service.speaks(RESTXML) {
		op.Service.XMLNamespace = ns
	}
	for _, c := range root.children { // newer models leave the wrapper to its rule
		if c.name == op.Name+"Result" && op.Service.speaks(Query) {
			op.ResultWrapper = c.name
		}
	}
	if old {
		op.OutputRoot = root.name
	}
}

func compareResponse(t *testing.T, p Protocol, c vector, w *httptest.ResponseRecorder) {
	if want := c.Response.Status; want != 0 && w.Code != want {
		t.Errorf("status %d, want %d", w.Code, want)
	}
	for k, v := range c.Response.Headers {
		want := fmt.Sprint(v)
		if list, ok := v.([]any); ok {
			want = ""
			for i, item := range list {
				if i > 0 {
					want += ", "
				}
				want += fmt.Sprint(item)
			}
		}
		got := ""
		for name, values := range w.Header() {
			if strings.EqualFold(name, k) {
				got = strings.Join(values, ", ")
			}
		}
		got, want = sameInstant(got), sameInstant(want)
		if strings.EqualFold(k, "Content-Type") {
			got, want = mediaType(got), mediaType(want)
		}
		if got != want && !strings.EqualFold(k, "x-amzn-requestid") {
			t.Errorf("header %s is %q, want %q", k, got, want)
		}
	}
	got, want := w.Body.String(), c.Response.Body
	var err error
	switch {
	case p == RPCv2:
		err = sameCBOR(got, want)
	case strings.HasPrefix(strings.TrimSpace(want), "<") && (p == RESTXML || p == Query || p == EC2Query):
		err = sameXML(got, want)
	case json.Valid([]byte(want)) && json.Valid([]byte(got)):
		err = sameJSON(got, want)
	case strings.TrimSpace(got) != strings.TrimSpace(want):
		err = fmt.Errorf("body differs")
	}
	if err != nil {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}
