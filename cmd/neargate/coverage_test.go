package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/diagnosis"
	"github.com/neargate/neargate/internal/testenv"
)

func TestCoverageIsWhatTheServerCarriesOut(t *testing.T) {
	upToDate(t, "coverage.md", "coverage", writeCoverage)
}

func TestDiagnosesAreTheCatalogue(t *testing.T) {
	upToDate(t, "diagnoses.md", "diagnoses", diagnosis.WriteMarkdown)
}

// upToDate compares a page of the documentation with what it is made of.
func upToDate(t *testing.T, page, command string, write func(io.Writer)) {
	t.Helper()
	var want bytes.Buffer
	write(&want)
	got, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/%s is not up to date: go run ./cmd/neargate %s > docs/%s", page, command, page)
	}
}
