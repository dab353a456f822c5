package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedCodeIsUpToDate fails when models/ and internal/aws/*api differ: run go generate ./internal/aws/...
func TestGeneratedCodeIsUpToDate(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	models, err := filepath.Glob(filepath.Join(root, "models", "*"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no models below %s (%v)", root, err)
	}
	for _, dir := range models {
		service := filepath.Base(dir)
		files, err := generate(dir, service)
		if err != nil {
			t.Errorf("%s: %v", service, err)
			continue
		}
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(root, "internal", "aws", service+"api", name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("internal/aws/%sapi/%s is not what awsgen makes of the model (%v)", service, name, err)
			}
		}
	}
}

func TestImportKeepsMembersNamedLikeDroppedKeys(t *testing.T) {
	in := `{"metadata":{"a":"b"},"operations":{},"shapes":{"S":{"type":"structure","documentation":"text","members":{"documentation":{"shape":"T","documentation":"text"},"deprecated":{"shape":"T","deprecated":true}}},"documentation":{"type":"string"}}}`
	out, err := strip([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := `"S":{"type":"structure","members":{"documentation":{"shape":"T"},"deprecated":{"shape":"T"}}}`
	if !bytes.Contains(out, []byte(want)) || bytes.Contains(out, []byte("text")) || !bytes.Contains(out, []byte(`"documentation":{"type":"string"}`)) {
		t.Errorf("stripped: %s", out)
	}
}
