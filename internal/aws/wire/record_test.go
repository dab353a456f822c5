package wire

import (
	"io"
	"strings"
	"testing"
	"time"
)

type recorded struct {
	Name     string            `aws:"Name"`
	Password string            `aws:"Password,sensitive"`
	Secrets  []string          `aws:"Secrets,m.sensitive"`
	Given    string            `aws:"Given"`
	Header   string            `aws:"Header,in=header,loc=x-amz-header"`
	At       time.Time         `aws:"At"`
	Count    *int32            `aws:"Count"`
	Blob     []byte            `aws:"Blob"`
	Body     io.ReadCloser     `aws:"Body,stream,payload"`
	Tags     map[string]string `aws:"Tags"`
	Child    *recorded         `aws:"Child"`
}

func TestRecordHidesWhatIsSensitive(t *testing.T) {
	n := int32(3)
	in := &recorded{
		Name: "a", Password: "hunter2", Secrets: []string{"hunter2"}, Given: "hunter2", Header: "h", At: time.Date(2026, 11, 28, 15, 4, 5, 0, time.UTC), Count: &n,
		Blob: []byte("hunter2"), Body: io.NopCloser(strings.NewReader("hunter2")), Tags: map[string]string{"k": "v"}, Child: &recorded{Password: "hunter2"},
	}
	got := string(AppendRecord(nil, in, func(member string) bool { return member == "Given" }))
	want := `{"name":"a","password":"HIDDEN_DUE_TO_SECURITY_REASONS","secrets":["HIDDEN_DUE_TO_SECURITY_REASONS"],"given":"HIDDEN_DUE_TO_SECURITY_REASONS",` +
		`"header":"h","at":"Nov 28, 2026 3:04:05 PM","count":3,"tags":{"k":"v"},"child":{"password":"HIDDEN_DUE_TO_SECURITY_REASONS"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(AppendRecord(nil, nil, nil)); got != "null" {
		t.Errorf("nothing is %s", got)
	}
}

// TestRecordsEndSomewhere cuts structures that contain themselves.
func TestRecordsEndSomewhere(t *testing.T) {
	in := &recorded{Name: "x"}
	in.Child = in
	if got := AppendRecord(nil, in, nil); len(got) > 10_000 {
		t.Errorf("%d bytes", len(got))
	}
}
