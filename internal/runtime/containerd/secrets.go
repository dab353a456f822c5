package containerd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// keepSecrets puts the secret part of a container's environment where the shim
// finds it: into a file of the run directory, not into containerd's database, whose
// pages keep what was deleted.
func (r *Runtime) keepSecrets(spec runtime.ContainerSpec, oci *specs.Spec) error {
	if len(spec.Secrets) == 0 {
		return nil
	}
	content, err := json.Marshal(spec.Secrets)
	if err != nil {
		return err
	}
	path := filepath.Join(r.paths.secrets, spec.ID)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	if oci.Annotations == nil {
		oci.Annotations = map[string]string{}
	}
	oci.Annotations[supervisor.SecretsAnnotation] = path
	return nil
}

// dropSecrets removes what keepSecrets wrote.
func (r *Runtime) dropSecrets(id string) error {
	err := os.Remove(filepath.Join(r.paths.secrets, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
