// Command awsgen turns AWS's service models into Go packages.
//
//	awsgen import DATA SERVICE...   strip models of the botocore package (DATA is its data directory) into models/
//	awsgen generate SERVICE...      models/SERVICE -> internal/aws/<service>api/zz_generated*.go
//
// Only operations listed in models/<service>/operations.txt are generated, with
// the shapes that they reach. Run it through go generate ./internal/aws/...
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "awsgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	switch {
	case len(args) >= 3 && args[0] == "import":
		return importModels(args[1], filepath.Join(root, "models"), args[2:])
	case len(args) >= 2 && args[0] == "generate":
		for _, service := range args[1:] {
			if err := writePackage(root, service); err != nil {
				return fmt.Errorf("%s: %w", service, err)
			}
		}
		return nil
	}
	return fmt.Errorf("usage: awsgen import DATA SERVICE... | awsgen generate SERVICE...")
}

func writePackage(root, service string) error {
	files, err := generate(filepath.Join(root, "models", service), service)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "internal", "aws", service+"api")
	for name, source := range files {
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// moduleRoot is the nearest parent directory with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
}
