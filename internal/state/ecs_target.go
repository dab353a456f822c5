package state

import (
	"strings"

	"github.com/neargate/neargate/internal/store"
)

// TargetOf returns the target of a task in one of its target groups; nil when it
// is not registered there.
func TargetOf(tx *store.Tx, t *Task, b ServiceLoadBalancer) *Target {
	_, group, _ := strings.Cut(b.TargetGroup, ":targetgroup/")
	target, ok := Targets.Get(tx, TargetKey(t.Account, t.Region, group, t.Interface.PrivateIP, b.Port))
	if !ok {
		return nil
	}
	return target
}

// TasksOfTarget returns the tasks that may be behind the target with a key: those
// of its account and region with its address.
func TasksOfTarget(tx *store.Tx, key string) []*Task {
	account, region, id := SplitKey(key)
	address := id[strings.LastIndexByte(id, '/')+1:]
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		address = address[:i]
	}
	var out []*Task
	for t := range Tasks.By(tx, "address", address) {
		if t.Account == account && t.Region == region && len(t.LoadBalancers) > 0 {
			out = append(out, t)
		}
	}
	return out
}
