package agent

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

func TestEnvironmentFilesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB=two words\n":           "A=1|B=two words",
		"# C=3\nA=1\r\nnothing\n=x\n":  "A=1",
		"A=\nB=\"quoted\"\nC=x=y=z":    "B=\"quoted\"|C=x=y=z",
		"A=1\nB=2\nA=3\n":              "A=3|B=2",
		" A=1\nexport B=2\n":           " A=1|export B=2",
		"":                             "",
		"A=1\nB=" + "\x00" + "\nC=3\n": "A=1|C=3",
	} {
		if got := strings.Join(readEnvironment([]byte(text)), "|"); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// The definition's own values and secrets beat those of files, and an earlier
// file beats a later one.
func TestEnvironmentFilesOfTasks(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	w.secrets["s3://settings/one.env"] = "A=file\nB=first\nC=first\nAWS_REGION=eu-west-1\n"
	w.secrets["s3://settings/two.env"] = "B=second\nD=second\nS=file\n"
	w.secrets["/s"] = "hidden"
	task := w.wait(w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].Environment = []state.NameValue{{Name: "A", Value: "own"}}
		d.Containers[0].Secrets = []state.NameValue{{Name: "S", Value: "/s"}}
		d.Containers[0].EnvironmentFiles = []string{"arn:aws:s3:::settings/one.env", "arn:aws:s3:::settings/two.env"}
	}), state.TaskRunning)
	spec, _ := w.fake.Spec(task.Containers[0].RuntimeID)
	last := map[string]string{}
	for _, e := range slices.Concat(spec.Environment, spec.Secrets) {
		name, value, _ := strings.Cut(e, "=")
		last[name] = value
	}
	for name, want := range map[string]string{"A": "own", "B": "first", "C": "first", "D": "second", "S": "hidden", "AWS_REGION": "eu-west-1"} {
		if last[name] != want {
			t.Errorf("%s is %q, want %q", name, last[name], want)
		}
	}
	if slices.Contains(spec.Secrets, "B=second") || slices.Contains(spec.Environment, "S=hidden") {
		t.Error("the later file's value is there, too, or a secret among what is written down")
	}
	w.stop(task)
	w.wait(task, state.TaskStopped)
}
