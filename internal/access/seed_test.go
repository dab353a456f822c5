package access

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/testenv"
	"go.yaml.in/yaml/v3"
)

// Each role of the third seed is assumed by its service, and by no other.
func TestRolesAreAssumedByTheirServiceOnly(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "examples/ecs-roles/roles.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Trust any `yaml:"AssumeRolePolicyDocument"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	services := map[string]string{
		"InstanceRole": "ec2.amazonaws.com", "ServiceRole": "ecs.amazonaws.com", "ExecutionRole": "ecs-tasks.amazonaws.com", "AutoscaleRole": "application-autoscaling.amazonaws.com",
		"EventsRole": "events.amazonaws.com", "CodeDeployRole": "codedeploy.amazonaws.com", "TaskRole": "ecs-tasks.amazonaws.com",
	}
	seen := 0
	for name, r := range template.Resources {
		if r.Type != "AWS::IAM::Role" {
			continue
		}
		seen++
		document, err := json.Marshal(r.Properties.Trust)
		if err != nil {
			t.Fatal(err)
		}
		role := &state.Role{Account: acct, Name: name, Path: "/", ID: "AROA" + name, TrustPolicy: string(document)}
		w.put(t, func(tx *store.Tx) { state.Roles.Put(tx, role) })
		for _, service := range services {
			_, err := w.auth.Trust(Assumption{RoleARN: role.ARN(), Service: service, SourceAccount: acct})
			var not *NotAssumable
			switch own := services[name] == service; {
			case own && err != nil:
				t.Errorf("%s cannot assume %s: %v", service, name, err)
			case !own && (!errors.As(err, &not) || not.Reason != PrincipalMissing):
				t.Errorf("%s assumes %s: %v", service, name, err)
			}
		}
	}
	if seen != len(services) {
		t.Errorf("%d roles, want %d", seen, len(services))
	}
}
