package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

// importID says, by the values of a resource, under which id the provider
// imports those whose id is not simply their "id".
var importID = map[string]func(v map[string]any) string{
	"aws_default_route_table":          func(v map[string]any) string { return text(v, "vpc_id") },
	"aws_route":                        func(v map[string]any) string { return text(v, "route_table_id", "_", "destination_cidr_block") },
	"aws_route_table_association":      func(v map[string]any) string { return text(v, "subnet_id", "/", "route_table_id") },
	"aws_vpc_dhcp_options_association": func(v map[string]any) string { return text(v, "vpc_id") },
	"aws_network_acl_rule": func(v map[string]any) string {
		return text(v, "network_acl_id", ":", "rule_number", ":", "protocol", ":", "egress")
	},
	"aws_security_group_rule": func(v map[string]any) string {
		return text(v, "security_group_id", "_", "type", "_", "protocol", "_", "from_port", "_", "to_port", "_") + v["cidr_blocks"].([]any)[0].(string)
	},
	"aws_iam_role_policy_attachment":  func(v map[string]any) string { return text(v, "role", "/", "policy_arn") },
	"aws_iam_user_policy_attachment":  func(v map[string]any) string { return text(v, "user", "/", "policy_arn") },
	"aws_iam_group_policy_attachment": func(v map[string]any) string { return text(v, "group", "/", "policy_arn") },
	"aws_iam_user_group_membership":   func(v map[string]any) string { return text(v, "user", "/") + v["groups"].([]any)[0].(string) },
	"aws_cloudwatch_log_stream":       func(v map[string]any) string { return text(v, "log_group_name", ":", "name") },
	"aws_ecs_cluster":                 func(v map[string]any) string { return text(v, "name") },
	"aws_ecs_service":                 func(v map[string]any) string { return text(v, "name", "/", "name") }, // the cluster is called so, too
	"aws_ecs_task_definition":         func(v map[string]any) string { return text(v, "arn") },
}

// providersOwn are arguments that are never read from AWS: they say how the
// provider itself goes about it, or, of secrets, are compared by it alone. After an
// import on AWS, too, the first plan sets them.
var providersOwn = []string{
	"force_destroy", "force_delete", "skip_destroy", "force_detach_policies", "revoke_rules_on_delete", "wait_for_steady_state", "track_latest",
	"force_overwrite_replica_secret", "recovery_window_in_days", "deletion_window_in_days", "bypass_policy_lockout_safety_check", "auto_accept", "allow_overwrite",
	"has_secret_string_wo", "overwrite",
}

// importedAsWritten are arguments that the provider reads in another spelling than
// the configuration's when it has no state, on AWS, too.
var importedAsWritten = map[string]string{"aws_ecs_service": "task_definition", "aws_lb_listener": "default_action"}

// text joins attributes; what is none stands for itself.
func text(v map[string]any, parts ...string) string {
	out := ""
	for _, p := range parts {
		if value, ok := v[p]; ok {
			p = fmt.Sprint(value)
		}
		out += p
	}
	return out
}

// TestImportByTerraform takes over what there is into an empty state: the plan
// has nothing to change, for every type of the seeds and of the services around them.
func TestImportByTerraform(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(filepath.Join(testenv.Root(), "e2e/testdata/import.tf"))
	if err != nil {
		t.Fatal(err)
	}
	tf := newTerraform(newAccount(t), string(config))
	tf.apply()
	var made struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address, Type string
					Values        map[string]any
				}
			} `json:"root_module"`
		}
	}
	tf.shown(&made, "show", "-json")
	blocks := ""
	for _, r := range made.Values.Root.Resources {
		id := text(r.Values, "id")
		if as := importID[r.Type]; as != nil {
			id = as(r.Values)
		}
		blocks += fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", r.Address, id)
	}
	tf.file("import.tf", []byte(blocks))
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if err := os.RemoveAll(filepath.Join(tf.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	tf.run("plan", "-input=false", "-no-color", "-out=import.plan")
	var plan struct {
		Changes []struct {
			Address, Type string
			Change        struct {
				Actions       []string
				Importing     *struct{ ID string }
				Before, After map[string]any
			}
		} `json:"resource_changes"`
	}
	tf.shown(&plan, "show", "-json", "import.plan")
	imported := 0
	for _, c := range plan.Changes {
		if c.Change.Importing != nil {
			imported++
		}
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) && !slices.Equal(c.Change.Actions, []string{"update"}) {
			t.Errorf("%s: %q", c.Address, c.Change.Actions)
			continue
		}
		for name, after := range c.Change.After {
			if before := c.Change.Before[name]; !reflect.DeepEqual(before, after) && !slices.Contains(providersOwn, name) && importedAsWritten[c.Type] != name {
				t.Errorf("%s: %s is %v, to be %v", c.Address, name, before, after)
			}
		}
	}
	if want := len(made.Values.Root.Resources); imported != want || want < 80 {
		t.Errorf("%d of %d resources are imported", imported, want)
	}
	tf.run("apply", "-input=false", "-no-color", "import.plan")
	if r := tf.run("plan", "-detailed-exitcode", "-input=false", "-no-color"); !strings.Contains(r, "No changes.") {
		t.Errorf("the plan after the import:\n%s", r)
	}
	tf.destroy()
}

// shown reads what a command of terraform prints.
func (t *terraform) shown(into any, args ...string) {
	t.t.Helper()
	out, err := t.command(args...).Output()
	if err != nil {
		t.t.Fatalf("terraform %s: %v", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.t.Fatal(err)
	}
}
