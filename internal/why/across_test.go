package why

import (
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// A fix in the template of one stack names a group of another one by what is
// valid there: a parameter, an import, or the id.
func TestReferencesAcrossStacks(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	const account, region = "000000000000", "us-east-1"
	id := func(name string) string {
		return "arn:aws:cloudformation:" + region + ":" + account + ":stack/" + name + "/1"
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for stack, groups := range map[string]map[string]string{"net": {"Exported": "sg-exported", "Passed": "sg-passed", "Hidden": "sg-hidden"}, "app": {"Tasks": "sg-tasks", "Other": "sg-other"}} {
			s := &state.Stack{Account: account, Region: region, Name: stack, ID: id(stack)}
			if stack == "net" {
				s.Outputs = []state.StackOutput{{Key: "Exported", Value: "sg-exported", ExportName: "net:it's"}, {Key: "Passed", Value: "sg-passed", ExportName: "net:passed"}, {Key: "Hidden", Value: "sg-hidden"}}
			} else {
				s.Config.Parameters = []state.StackParameter{{Key: "Group", Value: "sg-passed"}}
			}
			state.Stacks.Put(tx, s)
			for logical, physical := range groups {
				state.StackResources.Put(tx, &state.StackResource{Account: account, Region: region, StackID: id(stack), StackName: stack, LogicalID: logical, Type: "AWS::EC2::SecurityGroup",
					Live: state.Physical{ID: physical, Started: true, Complete: true}})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := names{db.Read(), account, region}
	for _, c := range []struct{ group, home, want string }{
		{"sg-other", "sg-tasks", "!Ref Other"},
		{"sg-passed", "sg-tasks", "!Ref Group"},
		{"sg-exported", "sg-tasks", "!ImportValue 'net:it''s'"},
		{"sg-hidden", "sg-tasks", "sg-hidden"},
		{"sg-of-nobody", "sg-tasks", "sg-of-nobody"},
		{"sg-exported", "sg-of-nobody", "sg-exported"},
	} {
		if got := n.refFrom(c.group, c.home); got != c.want {
			t.Errorf("%s in the template of %s is %s, want %s", c.group, c.home, got, c.want)
		}
	}
}
