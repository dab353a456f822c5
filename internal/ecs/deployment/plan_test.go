package deployment

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// tasks reads a row of tasks: "n" or "o" for the new or an old deployment,
// then H healthy, W warming, P pending, U unhealthy, S stopping.
func tasks(row string) []Task {
	var out []Task
	for i, word := range strings.Fields(row) {
		t := Task{ID: fmt.Sprintf("%s%d", word, i), Deployment: map[byte]string{'n': "new", 'o': "old"}[word[0]], Zone: "a", CreatedAt: t0.Add(time.Duration(i) * time.Second), Phase: Running, RunningAt: t0.Add(-time.Hour)}
		switch word[1] {
		case 'W':
			t.RunningAt = t0
		case 'P':
			t.Phase, t.RunningAt = Pending, time.Time{}
		case 'U':
			t.Health = Unhealthy
		case 'S':
			t.Phase = Stopping
		}
		out = append(out, t)
	}
	return out
}

func rolling(desired, minimum, maximum int, row string) Service {
	return Service{
		Name: "s", Desired: desired, MinimumHealthyPercent: minimum, MaximumPercent: maximum,
		Deployments: []Deployment{{ID: "new", Rollout: InProgress}, {ID: "old", Rollout: Completed, WasCompleted: true}},
		Tasks:       tasks(row),
	}
}

func TestStartAndStop(t *testing.T) {
	for name, c := range map[string]struct {
		service Service
		start   int
		stop    string
		blocked bool
	}{
		"first launch":                         {rolling(2, 100, 200, ""), 2, "", false},
		"100/200 starts all new first":         {rolling(4, 100, 200, "oH oH oH oH"), 4, "", false},
		"100/200 waits for health":             {rolling(2, 100, 200, "oH oH nP nW"), 0, "", false},
		"100/200 one healthy lets one go":      {rolling(2, 100, 200, "oH oH nH nP"), 0, "oH1", false},
		"100/200 all healthy lets all go":      {rolling(2, 100, 200, "oH oH nH nH"), 0, "oH1 oH0", false},
		"50/100 stops half":                    {rolling(4, 50, 100, "oH oH oH oH"), 0, "oH3 oH2", false},
		"50/100 then starts half":              {rolling(4, 50, 100, "oH oH oS oS"), 2, "", false},
		"0/100 of one stops first":             {rolling(1, 0, 100, "oH"), 0, "oH0", false},
		"0/100 of one then starts":             {rolling(1, 0, 100, "oS"), 1, "", false},
		"100/100 of one is stuck":              {rolling(1, 100, 100, "oH"), 0, "", true},
		"100/100 of one pending is not":        {rolling(1, 100, 100, "oP"), 0, "oP0", false},
		"75/200 of two keeps two":              {rolling(2, 75, 200, "oH oH nP nP"), 0, "", false},
		"old unhealthy first":                  {rolling(2, 50, 200, "oH oU nP nP"), 0, "oU1", false},
		"replaces a dead one":                  {rolling(3, 100, 200, "nH nH"), 1, "", false},
		"replaces unhealthy before stopping":   {rolling(2, 100, 200, "nH nU"), 1, "", false},
		"stops unhealthy when replaced":        {rolling(2, 100, 200, "nH nU nH"), 0, "nU1", false},
		"keeps unhealthy while replacement is": {rolling(2, 100, 200, "nH nU nP"), 0, "", false},
		"stops unhealthy when there is no room": {
			rolling(2, 50, 100, "nH nU"), 0, "nU1", false},
		"scales in pending first":  {rolling(1, 100, 200, "nH nP nW"), 0, "nP1 nW2", false},
		"scales to zero":           {rolling(0, 100, 200, "nH oP oH"), 0, "nH0 oP1 oH2", false},
		"stopping ones are no one": {rolling(2, 100, 200, "nS nS"), 2, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := Next(c.service, t0, AWSPace)
			if p.Start != c.start || strings.Join(p.Stop, " ") != c.stop || p.Blocked != c.blocked {
				t.Errorf("start %d stop %q blocked %v, want %d %q %v", p.Start, p.Stop, p.Blocked, c.start, c.stop, c.blocked)
			}
		})
	}
}

func TestScaleInTakesFromTheFullZone(t *testing.T) {
	s := rolling(2, 100, 200, "nH nH nH nH")
	s.Tasks[0].Zone, s.Tasks[1].Zone, s.Tasks[2].Zone = "b", "c", "c"
	s.Tasks[3].Zone = "c"
	if p := Next(s, t0, AWSPace); !reflect.DeepEqual(p.Stop, []string{"nH3", "nH2"}) {
		t.Errorf("stop %v", p.Stop)
	}
}

func TestCompletes(t *testing.T) {
	s := rolling(2, 100, 200, "nH nH oS")
	p := Next(s, t0, AWSPace)
	want := []Deployment{{ID: "new", Rollout: Completed, WasCompleted: true, Reason: ReasonCompleted("new"), HealthyTasks: 2}}
	if !reflect.DeepEqual(p.Deployments, want) || !p.Steady {
		t.Fatalf("deployments %+v steady %v", p.Deployments, p.Steady)
	}
	notes := []string{"(service s) (deployment new) deployment completed.", "(service s) has reached a steady state."}
	if !reflect.DeepEqual(p.Notes, notes) {
		t.Errorf("notes %q", p.Notes)
	}
	s.Deployments, s.WasSteady = p.Deployments, true
	if p := Next(s, t0, AWSPace); len(p.Notes) != 0 || !p.Steady {
		t.Errorf("told again: %q", p.Notes)
	}
}

func TestWaitsFortySeconds(t *testing.T) {
	s := rolling(1, 100, 200, "nW")
	if p := Next(s, t0.Add(10*time.Second), AWSPace); p.Steady || p.Again != 30*time.Second {
		t.Errorf("steady %v again %v", p.Steady, p.Again)
	}
	if p := Next(s, t0.Add(40*time.Second), AWSPace); !p.Steady {
		t.Error("not steady after 40 s")
	}
}

func TestDrain(t *testing.T) {
	s := rolling(2, 100, 200, "nH nS oP")
	s.Draining = true
	if p := Next(s, t0, AWSPace); p.Gone || !reflect.DeepEqual(p.Stop, []string{"nH0", "oP2"}) {
		t.Errorf("%+v", p)
	}
	s.Tasks = nil
	if p := Next(s, t0, AWSPace); !p.Gone {
		t.Error("not gone")
	}
}

func TestBackoff(t *testing.T) {
	pace := Pace{BackoffFirst: time.Second, BackoffMax: 10 * time.Second}
	for _, c := range []struct {
		failed, desired int
		want            time.Duration
	}{{0, 1, 0}, {1, 1, 1}, {2, 1, 2}, {3, 1, 4}, {5, 1, 10}, {1000, 1, 10}, {2, 2, 1}, {3, 2, 2}, {1, 0, 1}} {
		if got := pace.Backoff(c.failed, c.desired); got != c.want*time.Second {
			t.Errorf("Backoff(%d, %d) = %v", c.failed, c.desired, got)
		}
	}
	s := rolling(1, 100, 200, "oH")
	s.Deployments[0].FailedTasks, s.Deployments[0].LastFailure = 1, t0
	if p := Next(s, t0.Add(200*time.Millisecond), pace); p.Start != 0 || p.Again != 800*time.Millisecond {
		t.Errorf("start %d again %v", p.Start, p.Again)
	}
	if p := Next(s, t0.Add(time.Second), pace); p.Start != 1 {
		t.Error("did not start after the wait")
	}
}

func TestCrashesSlowDownAndDoNotTrip(t *testing.T) {
	s := rolling(1, 100, 200, "oH")
	s.Breaker = Breaker{Enable: true, Rollback: true}
	s.Deployments[0].CrashedTasks, s.Deployments[0].LastFailure = 5, t0
	if p := Next(s, t0, AWSPace); p.Start != 0 || p.Again != AWSPace.Backoff(5, 1) || p.Deployments[0].ID != "new" {
		t.Errorf("%+v", p)
	}
}

func TestThreshold(t *testing.T) {
	for desired, want := range map[int]int{0: 3, 1: 3, 6: 3, 7: 4, 25: 13, 400: 200, 800: 200} {
		if got := Threshold(desired); got != want {
			t.Errorf("Threshold(%d) = %d, want %d", desired, got, want)
		}
	}
}

func TestBreaker(t *testing.T) {
	s := rolling(1, 100, 200, "oH nP")
	s.Deployments[0].FailedTasks = 3
	if p := Next(s, t0, AWSPace); p.Deployments[0].Rollout != InProgress {
		t.Error("tripped though not enabled")
	}
	s.Breaker.Enable = true
	p := Next(s, t0, AWSPace)
	if p.Deployments[0].Rollout != Failed || p.Deployments[0].ID != "new" || p.Start != 0 || len(p.Stop) != 0 {
		t.Errorf("without rollback: %+v", p)
	}
	s.Breaker.Rollback = true
	p = Next(s, t0, AWSPace)
	if p.Deployments[0].ID != "old" || p.Deployments[0].Rollout != InProgress || p.Deployments[1].Rollout != Failed {
		t.Errorf("with rollback: %+v", p.Deployments)
	}
	if !reflect.DeepEqual(p.Stop, []string{"nP1"}) {
		t.Errorf("stop %v", p.Stop)
	}
	s.Deployments, s.Tasks = p.Deployments, tasks("oH")
	s.Tasks[0].Deployment = "old"
	if p = Next(s, t0, AWSPace); len(p.Deployments) != 1 || p.Deployments[0].Reason != "ECS deployment old completed." {
		t.Errorf("after rollback: %+v", p.Deployments)
	}
}

func TestHealthyTaskForgives(t *testing.T) {
	s := rolling(2, 100, 200, "nH")
	s.Deployments[0].FailedTasks = 2
	p := Next(s, t0, AWSPace)
	if p.Deployments[0].FailedTasks != 0 {
		t.Error("not forgiven")
	}
	s.Deployments = p.Deployments
	s.Deployments[0].FailedTasks = 2
	if p = Next(s, t0, AWSPace); p.Deployments[0].FailedTasks != 2 {
		t.Error("forgiven twice for the same task")
	}
}
