package check

import (
	"context"
	"os"
	"testing"

	"github.com/neargate/neargate/internal/cli"
)

func TestTry(t *testing.T) {
	p := os.Getenv("TRY")
	if p == "" {
		t.Skip()
	}
	r, err := Check(context.Background(), Options{Files: os.DirFS(p), Path: os.Getenv("TRYF")})
	if err != nil {
		t.Fatal(err)
	}
	r.Text(os.Stdout, cli.Style{})
}
