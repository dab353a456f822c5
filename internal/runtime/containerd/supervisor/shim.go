package supervisor

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/log"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
	"github.com/sirupsen/logrus"
)

// Names by which a process knows that it is a shim, and where its notes belong.
const (
	ShimName   = "containerd-shim-runc-v2" // containerd finds the version in this name
	RoleEnv    = "NEARGATE_ROLE"
	RoleShim   = "shim"
	RecordsEnv = "NEARGATE_RECORDS"
)

// Main runs the process in another role if it was started for one, and does
// not return then: as the supervisor of a task's containers (the shim), or as
// the first process inside a container (see initMain). main calls it before
// anything else. Tests that run containers call it in TestMain.
func Main() {
	if filepath.Base(os.Args[0]) == InitName {
		initMain(os.Args[1:])
	}
	if os.Getenv(RoleEnv) != RoleShim && filepath.Base(os.Args[0]) != ShimName {
		return
	}
	// The shim starts itself once more by its executable's path, under which its
	// name is another: the environment carries the role on.
	os.Setenv(RoleEnv, RoleShim)
	registry.Reset() // or the shim would initialise all of containerd
	registry.Register(&plugin.Registration{
		Type:     plugins.TTRPCPlugin,
		ID:       "task",
		Requires: []plugin.Type{plugins.EventPlugin, plugins.InternalPlugin},
		InitFn:   newShimTaskService,
	})
	shim.RunShim(context.Background(), manager.NewShimManager("io.containerd.runc.v2"), ownLog)
	os.Exit(0)
}

// ownLog sends the shim's messages to a file beside the records. By itself it
// would send them through a pipe that containerd copies to our standard error.
func ownLog(config *shim.Config) {
	config.NoSetupLogger = true
	log.L.Logger.SetOutput(io.Discard)
	log.L.Logger.SetLevel(logrus.WarnLevel)
	dir := os.Getenv(RecordsEnv)
	if dir == "" { // "-info", or started by hand
		return
	}
	path := filepath.Join(filepath.Dir(dir), "shim.log")
	if info, err := os.Stat(path); err == nil && info.Size() > maxShimLog {
		os.Remove(path) // begin anew
	}
	if file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		log.L.Logger.SetOutput(file)
	}
}

const maxShimLog = 1 << 20

func newShimTaskService(ic *plugin.InitContext) (any, error) {
	publisher, err := ic.GetByID(plugins.EventPlugin, "publisher")
	if err != nil {
		return nil, err
	}
	stop, err := ic.GetByID(plugins.InternalPlugin, "shutdown")
	if err != nil {
		return nil, err
	}
	cwd, err := os.Getwd() // the bundle of the task's first container
	if err != nil {
		return nil, err
	}
	recorder := &recordingPublisher{
		Publisher: publisher.(shim.Publisher),
		records:   Records{os.Getenv(RecordsEnv)},
		bundles:   filepath.Dir(cwd),
		outputs:   &outputs{byID: map[string]*output{}},
	}
	service, err := task.NewTaskService(ic.Context, recorder, stop.(shutdown.Service))
	if err != nil {
		return nil, err
	}
	return finishing{service, recorder.outputs}, nil
}

// recordingPublisher writes down what must not be lost before it passes an
// event on: containerd forgets a container that ended while it was not there.
type recordingPublisher struct {
	shim.Publisher
	records Records
	bundles string // directory of the bundles, one per container
	outputs *outputs
}

func (p *recordingPublisher) Publish(ctx context.Context, topic string, event events.Event) error {
	if err := p.record(event); err != nil {
		log.G(ctx).WithError(err).Error("writing container record")
	}
	return p.Publisher.Publish(ctx, topic, event)
}

func (p *recordingPublisher) record(event events.Event) error {
	switch e := event.(type) {
	case *eventsapi.TaskStart:
		return p.records.PutStarted(e.ContainerID, Start{At: time.Now()})
	case *eventsapi.TaskOOM:
		return p.records.PutOOM(e.ContainerID)
	case *eventsapi.TaskExit:
		if e.ID != e.ContainerID { // an exec
			return nil
		}
		p.outputs.finish(e.ContainerID)
		return p.records.PutEnded(e.ContainerID, End{
			At:       e.ExitedAt.AsTime(),
			ExitCode: int(e.ExitStatus),
			OOM:      oomKills(p.cgroupOf(e.ContainerID)) > 0,
		})
	}
	return nil
}

// cgroupOf reads the container's cgroup path from its bundle, "" if it cannot.
func (p *recordingPublisher) cgroupOf(id string) string {
	var spec struct {
		Linux struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	}
	content, err := os.ReadFile(filepath.Join(p.bundles, id, "config.json"))
	if err != nil || json.Unmarshal(content, &spec) != nil || !strings.HasPrefix(spec.Linux.CgroupsPath, "/") {
		return ""
	}
	return spec.Linux.CgroupsPath
}
