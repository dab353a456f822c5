package supervisor

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// SecretsAnnotation of an OCI spec names the file with the secret part of the
// environment, a JSON list of NAME=value. The container's record lies on the disk
// of the machine and is never overwritten, the file where nothing outlives it; the
// shim joins the two when the container is made.
const SecretsAnnotation = "neargate.secrets"

// addSecrets completes the environment in a bundle whose annotation asks for it.
func addSecrets(bundle string) error {
	path := filepath.Join(bundle, "config.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(content, []byte(SecretsAnnotation)) {
		return nil
	}
	var config map[string]json.RawMessage
	var process map[string]json.RawMessage
	var annotations map[string]string
	var environment []string
	if err := json.Unmarshal(content, &config); err != nil {
		return err
	}
	if err := json.Unmarshal(config["annotations"], &annotations); err != nil || annotations[SecretsAnnotation] == "" {
		return err
	}
	if err := json.Unmarshal(config["process"], &process); err != nil {
		return err
	}
	if err := json.Unmarshal(process["env"], &environment); err != nil {
		return err
	}
	secrets, err := ReadSecrets(annotations[SecretsAnnotation])
	if err != nil {
		return err
	}
	if process["env"], err = json.Marshal(WithSecrets(environment, secrets)); err != nil {
		return err
	}
	if config["process"], err = json.Marshal(process); err != nil {
		return err
	}
	if content, err = json.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// ReadSecrets reads the file that a SecretsAnnotation names.
func ReadSecrets(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var secrets []string
	return secrets, json.Unmarshal(content, &secrets)
}

// WithSecrets is an environment with the secrets in place of variables of the same names.
func WithSecrets(environment, secrets []string) []string {
	mine := map[string]bool{}
	for _, e := range secrets {
		name, _, _ := strings.Cut(e, "=")
		mine[name] = true
	}
	out := make([]string, 0, len(environment)+len(secrets))
	for _, e := range environment {
		if name, _, _ := strings.Cut(e, "="); !mine[name] {
			out = append(out, e)
		}
	}
	return append(out, secrets...)
}
