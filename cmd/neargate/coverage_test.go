package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

func TestCoverageIsWhatTheServerCarriesOut(t *testing.T) {
	var want bytes.Buffer
	writeCoverage(&want)
	got, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/coverage.md is not up to date: go run ./cmd/neargate coverage > docs/coverage.md")
	}
}
