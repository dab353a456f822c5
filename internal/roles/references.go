package roles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Reference is something that names a role.
type Reference struct {
	What     string   // "task definition web:3"
	As       string   // as what it names it: the name of a kind
	Name     string   // family, stack, profile: what people call it
	Services []string // of a task definition: the services that run it
	Tasks    int      // and its tasks that are not stopped
}

// String is the reference for people.
func (r Reference) String() string {
	text := r.What
	if r.As != "" {
		text += ", as its " + r.As
	}
	var by []string
	for _, s := range r.Services {
		by = append(by, "service "+s)
	}
	if r.Tasks > 0 {
		by = append(by, fmt.Sprintf("tasks: %d", r.Tasks))
	}
	if len(by) > 0 {
		text += " (" + strings.Join(by, ", ") + ")"
	}
	return text
}

// references lists what names a role of the account, by the role's ARN.
func references(tx *store.Tx, account string, known []*definition) map[string][]Reference {
	all := map[string][]Reference{}
	add := func(arn string, r Reference) {
		if arn != "" {
			all[arn] = append(all[arn], r)
		}
	}
	within := account + "/"
	for _, d := range known {
		r := Reference{What: fmt.Sprintf("task definition %s:%d", d.Family, d.Revision), Name: d.Family, Services: d.services, Tasks: d.tasks}
		for _, named := range []struct{ arn, as string }{{d.ExecutionRoleARN, execution.Name}, {d.TaskRoleARN, task.Name}} {
			r.As = named.as
			add(named.arn, r)
		}
	}
	for t := range state.Tasks.By(tx, "alive", "yes") {
		if t.Account == account && (t.Overrides.TaskRoleARN != "" || t.Overrides.ExecutionRoleARN != "") {
			add(t.Overrides.ExecutionRoleARN, Reference{What: "task " + t.ID + " by an override", As: execution.Name, Name: t.ID, Tasks: 1})
			add(t.Overrides.TaskRoleARN, Reference{What: "task " + t.ID + " by an override", As: task.Name, Name: t.ID, Tasks: 1})
		}
	}
	for s := range state.Stacks.All(tx, within) {
		if s.Status != "DELETE_COMPLETE" {
			add(s.Config.RoleARN, Reference{What: "stack " + s.Name, As: "stack role", Name: s.Name})
		}
	}
	for f := range state.FlowLogs.All(tx, within) {
		add(f.RoleARN, Reference{What: "flow log " + f.ID, As: "flow log role", Name: f.ID})
	}
	for p := range state.InstanceProfiles.All(tx, within) {
		if r, ok := state.Roles.Get(tx, state.IAMKey(account, p.Role)); ok {
			add(r.ARN(), Reference{What: "instance profile " + p.Name, As: "container instance role", Name: p.Name})
		}
	}
	return all
}

// definition is a task definition that counts, with what uses it.
type definition struct {
	*state.TaskDefinition
	services []string
	tasks    int
}

// definitions are the newest active revision of each family, and those that a
// service or a task uses.
func definitions(tx *store.Tx, within string) []*definition {
	used := map[string]*definition{} // by ARN
	newest := map[string]*state.TaskDefinition{}
	for d := range state.TaskDefinitions.All(tx, within) {
		used[d.ARN()] = &definition{TaskDefinition: d}
		if old := newest[d.Region+"/"+d.Family]; d.Status == "ACTIVE" && (old == nil || old.Revision < d.Revision) {
			newest[d.Region+"/"+d.Family] = d
		}
	}
	for s := range state.Services.All(tx, within) {
		if d := used[s.TaskDefinition]; d != nil && s.Status == "ACTIVE" {
			d.services = append(d.services, s.Name)
		}
	}
	for t := range state.Tasks.By(tx, "alive", "yes") {
		if d := used[t.TaskDefinition]; d != nil {
			d.tasks++
		}
	}
	var all []*definition
	for _, d := range used {
		if d.tasks > 0 || len(d.services) > 0 || newest[d.Region+"/"+d.Family] == d.TaskDefinition {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *definition) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Region, b.Region))
	})
	return all
}
