package roles

import (
	"slices"
	"strings"
)

// needs are what a task execution role is used for, by service, and what does not
// work without.
var needs = []struct{ service, breaks string }{
	{"ecr", "the image could not be pulled"},
	{"secretsmanager", "secrets could not be read"},
	{"ssm", "parameters could not be read"},
	{"kms", "what lies under keys could not be decrypted"},
	{"s3", "environment files could not be read"},
	{"logs", "no log line could be written"},
}

// without tells what would break if a role were not there, from what names it
// and what it was really used for.
func without(r *Role) string {
	done := doneBy(r.Uses)
	switch {
	case r.Linked:
		return "the service could not act for the account; it makes the role again when it needs it"
	case len(r.NamedBy) == 0 && !r.Used:
		return "nothing that happened here so far: nobody used it and nothing names it"
	case r.Kind.Name == execution.Name || r.Kind.Name == both.Name:
		return breaksStart(r, done)
	case r.Kind.Name == task.Name && len(done) > 0:
		return tasksOf(r) + " could no longer call " + list(done)
	case r.Kind.Name == task.Name:
		return tasksOf(r) + " would not start, since ECS could not assume it; no call of the program needed it so far"
	case len(done) > 0:
		return "who assumes it could no longer call " + list(done)
	case len(r.NamedBy) > 0:
		return r.NamedBy[0].What + " could do nothing; nothing was done with it so far"
	}
	return "nobody could assume it any more; no call was made with it so far"
}

func breaksStart(r *Role, done []string) string {
	var broken []string
	for _, n := range needs {
		if slices.ContainsFunc(done, func(action string) bool { return strings.HasPrefix(action, n.service+":") }) {
			broken = append(broken, n.breaks)
		}
	}
	text := tasksOf(r) + " would not start"
	if len(broken) > 0 {
		text += ": " + strings.Join(broken, ", ")
	} else {
		text += ", since ECS could not assume it"
	}
	return text
}

// doneBy are the actions that were allowed.
func doneBy(uses []Use) []string {
	var all []string
	for _, u := range uses {
		if u.Allowed > 0 {
			all = append(all, u.Action)
		}
	}
	return all
}

// tasksOf are the tasks of the families that name a role.
func tasksOf(r *Role) string {
	var names []string
	for _, ref := range r.NamedBy {
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
	}
	if len(names) == 0 {
		return "the tasks that used it"
	}
	return "tasks of " + list(names)
}

func list(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
