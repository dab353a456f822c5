package deployment

import (
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	target := func(h Health) TargetHealth {
		return TargetHealth{Group: "g" + string(rune('0'+h)), Port: 80, Health: h}
	}
	for name, c := range map[string]struct {
		in     Checks
		want   Health
		failed string
		again  time.Duration
	}{
		"nothing to check":                {Checks{}, Unchecked, "", 0},
		"container only":                  {Checks{Container: Healthy}, Healthy, "", 0},
		"sick container":                  {Checks{Container: Unhealthy}, Unhealthy, "", 0},
		"target only":                     {Checks{Targets: []TargetHealth{target(Healthy)}}, Healthy, "", 0},
		"target not known":                {Checks{Targets: []TargetHealth{target(Unknown)}}, Unknown, "", 0},
		"target sick":                     {Checks{Targets: []TargetHealth{target(Unhealthy)}}, Unhealthy, "g3", 0},
		"one of two targets sick":         {Checks{Targets: []TargetHealth{target(Healthy), target(Unhealthy)}}, Unhealthy, "g3", 0},
		"one of two targets not known":    {Checks{Targets: []TargetHealth{target(Healthy), target(Unknown)}}, Unknown, "", 0},
		"container not checked yet":       {Checks{Container: Unknown, Targets: []TargetHealth{target(Healthy)}}, Unknown, "", 0},
		"both healthy":                    {Checks{Container: Healthy, Targets: []TargetHealth{target(Healthy)}}, Healthy, "", 0},
		"container sick, target healthy":  {Checks{Container: Unhealthy, Targets: []TargetHealth{target(Healthy)}}, Unhealthy, "", 0},
		"both sick: the container's":      {Checks{Container: Unhealthy, Targets: []TargetHealth{target(Unhealthy)}}, Unhealthy, "", 0},
		"target sick in the grace period": {Checks{Targets: []TargetHealth{target(Unhealthy)}, RunningAt: now.Add(-10 * time.Second), Grace: time.Minute}, Unknown, "", 50 * time.Second},
		"container sick in it":            {Checks{Container: Unhealthy, RunningAt: now, Grace: time.Minute}, Unknown, "", time.Minute},
		"sick before it is RUNNING":       {Checks{Container: Unhealthy, Grace: time.Minute}, Unknown, "", 0},
		"target sick after it":            {Checks{Targets: []TargetHealth{target(Unhealthy)}, RunningAt: now.Add(-time.Minute), Grace: time.Minute}, Unhealthy, "g3", 0},
		"healthy in the grace period":     {Checks{Targets: []TargetHealth{target(Healthy)}, RunningAt: now, Grace: time.Minute}, Healthy, "", 0},
	} {
		got := c.in.Judge(now)
		failed := ""
		if got.Failed != nil {
			failed = got.Failed.Group
		}
		if got.Health != c.want || failed != c.failed || got.Again != c.again {
			t.Errorf("%s: %v of %q, again in %s", name, got.Health, failed, got.Again)
		}
	}
}

// Among all combinations, more bad news never make a task healthier.
func TestJudgeIsMonotonous(t *testing.T) {
	now := time.Now()
	for container := Unchecked; container <= Unhealthy; container++ {
		for one := Unknown; one <= Unhealthy; one++ {
			for two := Unknown; two <= Unhealthy; two++ {
				v := Checks{Container: container, Targets: []TargetHealth{{Health: one}, {Health: two}}}.Judge(now)
				worst := container == Unhealthy || one == Unhealthy || two == Unhealthy
				known := container != Unknown && one == Healthy && two == Healthy
				if (v.Health == Unhealthy) != worst || (v.Health == Healthy) != (known && !worst) {
					t.Errorf("container %d, targets %d and %d: %d", container, one, two, v.Health)
				}
			}
		}
	}
}
