package why

import (
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// across is how the template of the resource home refers to a resource of
// elsewhere: by the parameter that brings its id already, by the export of
// another stack, or else by the id itself. home is nil when no template made it.
func (n names) across(id string, home *state.StackResource) string {
	if home == nil {
		return id
	}
	if stack, ok := state.Stacks.Get(n.tx, state.Key(home.Account, home.Region, home.StackID)); ok {
		for _, p := range stack.Config.Parameters {
			if !p.NoEcho && (p.Value == id || p.Resolved == id) {
				return "!Ref " + p.Key
			}
		}
	}
	for stack := range state.Stacks.All(n.tx, state.Prefix(n.account, n.region)) {
		for _, o := range stack.Outputs {
			if o.ExportName != "" && o.Value == id && stack.Deleted.IsZero() {
				return "!ImportValue '" + strings.ReplaceAll(o.ExportName, "'", "''") + "'"
			}
		}
	}
	return id
}
