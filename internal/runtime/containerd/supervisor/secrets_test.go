package supervisor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestSecretsAreAddedToTheBundle(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.json")
	bundle := func(spec specs.Spec) specs.Spec {
		t.Helper()
		raw, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := addSecrets(dir); err != nil {
			t.Fatal(err)
		}
		var out specs.Spec
		if raw, err = os.ReadFile(config); err == nil {
			err = json.Unmarshal(raw, &out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	spec := specs.Spec{Version: "1.2.0", Hostname: "h", Process: &specs.Process{Cwd: "/", Args: []string{"x"}, Env: []string{"A=1", "B=2"}}}
	if got := bundle(spec); !slices.Equal(got.Process.Env, []string{"A=1", "B=2"}) {
		t.Errorf("without secrets: %v", got.Process.Env)
	}
	file := filepath.Join(dir, "secrets")
	if err := os.WriteFile(file, []byte(`["B=hidden","C=x=y"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	spec.Annotations = map[string]string{SecretsAnnotation: file}
	if got := bundle(spec); !slices.Equal(got.Process.Env, []string{"A=1", "B=hidden", "C=x=y"}) || got.Hostname != "h" || got.Process.Cwd != "/" {
		t.Errorf("with secrets: %+v %+v", got, got.Process)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := addSecrets(dir); err == nil {
		t.Error("a container starts without its secrets")
	}
}
