package deployment

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a service whose tasks live as a test wants.
type world struct {
	s    Service
	now  time.Time
	made int
}

func (w *world) count() (alive, fit int) {
	for _, t := range w.s.Tasks {
		if t.Phase != Stopping {
			alive++
			if FastPace.standing(t, w.now) == healthy {
				fit++
			}
		}
	}
	return alive, fit
}

func (w *world) apply(p Plan) {
	w.s.Deployments, w.s.WasSteady = p.Deployments, p.Steady
	for i, t := range w.s.Tasks {
		if slices.Contains(p.Stop, t.ID) {
			w.s.Tasks[i].Phase = Stopping
		}
	}
	for range p.Start {
		w.made++
		w.s.Tasks = append(w.s.Tasks, Task{ID: fmt.Sprint("t", w.made), Deployment: p.Deployments[0].ID, Zone: string(rune('a' + w.made%3)), CreatedAt: w.now})
	}
}

func (w *world) update() {
	w.made++
	d := Deployment{ID: fmt.Sprint("d", w.made), Rollout: InProgress}
	w.s.Deployments = append([]Deployment{d}, w.s.Deployments...)
}

// live lets each task go its way, chosen by pick: 0 nothing, 1 forward, 2 dies, 3 falls ill.
func (w *world) live(pick func() int) {
	w.now = w.now.Add(300 * time.Millisecond)
	var left []Task
	for _, t := range w.s.Tasks {
		switch p := pick(); {
		case p == 0:
		case p == 2, t.Phase == Stopping:
			continue
		case p == 3:
			t.Health = Unhealthy
		case t.Phase == Pending:
			t.Phase, t.RunningAt = Running, w.now
		}
		left = append(left, t)
	}
	w.s.Tasks = left
}

func TestLimitsHoldAndItConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: t0}
		w.s = Service{Name: "s", Desired: rapid.IntRange(0, 9).Draw(t, "desired"),
			MinimumHealthyPercent: rapid.SampledFrom([]int{0, 33, 50, 75, 100, 120}).Draw(t, "minimum"),
			MaximumPercent:        rapid.SampledFrom([]int{100, 125, 150, 200, 300}).Draw(t, "maximum")}
		w.update()
		step := func() Plan {
			alive, fit := w.count()
			p := Next(w.s, w.now, FastPace)
			w.apply(p)
			nowAlive, nowFit := w.count()
			if p.Start > 0 && nowAlive > w.s.Upper() {
				t.Fatalf("%d alive, upper limit %d", nowAlive, w.s.Upper())
			}
			if nowFit < min(fit, w.s.Lower()) {
				t.Fatalf("%d healthy of %d, lower limit %d; %d alive before", nowFit, fit, w.s.Lower(), alive)
			}
			return p
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 12).Draw(t, "user") {
			case 0:
				w.update()
			case 1:
				w.s.Desired = rapid.IntRange(0, 9).Draw(t, "scale")
			}
			step()
			w.live(func() int { return rapid.IntRange(0, 3).Draw(t, "fate") })
		}
		// From now on every task works.
		var last Plan
		for range 200 {
			if last = step(); last.Steady && len(last.Deployments) == 1 || last.Blocked {
				break
			}
			w.live(func() int { return 1 })
		}
		if last.Blocked {
			if w.s.Upper() > w.s.Desired && w.s.Lower() < w.s.Upper() {
				t.Fatalf("blocked though there is room: %+v", w.s)
			}
			return
		}
		if !last.Steady {
			t.Fatalf("not steady: %+v", w.s)
		}
	})
}
