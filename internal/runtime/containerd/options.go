package containerd

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
)

// Options say where an instance lives.
type Options struct {
	// DataDir is the instance's own directory, absolute; ours is below it in
	// containerd/ and bin/.
	DataDir string
	// Instance is the instance's id: 1 to 20 characters of a-z 0-9 -. It is in the
	// name of every cgroup and socket directory, so that instances never meet.
	Instance string
	// Runc is the path of the OCI runtime to use. "" is the one that is built in,
	// or, in a build without it, the host's.
	Runc string
	// Executable is our binary, which the shim and the init process are started
	// from. "" is that of this process. It has to be statically linked for
	// containers with Init or tasks with SharePID.
	Executable string
	// Log gets containerd's messages, most of them as debug. Nil discards them.
	Log *slog.Logger
	// RunDir replaces /run/neargate, for tests.
	RunDir string
}

// namespace is the containerd namespace of everything that we make.
const namespace = "neargate"

var instancePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)

func (o Options) validate() error {
	if !filepath.IsAbs(o.DataDir) {
		return fmt.Errorf("data directory %q is not absolute", o.DataDir)
	}
	if !instancePattern.MatchString(o.Instance) {
		return fmt.Errorf("instance id %q: want 1 to 20 of a-z, 0-9 and -", o.Instance)
	}
	if p := o.paths(); len(p.sockets) > maxSocketDir {
		return errors.New("the run directory " + p.state + " is too long for unix sockets")
	}
	return nil
}

// maxSocketDir leaves room in the 107 bytes of a socket path for the 65 that
// the shim appends (a slash and a SHA-256 in hex).
const maxSocketDir = 107 - 65

// paths are all places that the runtime writes to.
type paths struct {
	base    string // DataDir/containerd: survives the machine's restart
	root    string // containerd's persistent state: content, snapshots, meta.db
	records string // how containers started and ended
	tasks   string // one file per task
	bin     string // DataDir/bin: the shim's name for our binary, runc
	lock    string
	state   string // RunDir/Instance: gone when the machine restarts
	sockets string // of the shims
	grpc    string // nothing listens there; the name of this containerd to its shims
	ttrpc   string
	runc    string // runc's own state
	secrets string // of containers' environments, one file each
	mounts  string // where containerd mounts an image for a moment, to write its layers
	cgroup  string // below the cgroup root, with a leading slash
}

func (o Options) paths() paths {
	run := o.RunDir
	if run == "" {
		run = "/run/neargate"
	}
	base, state := filepath.Join(o.DataDir, "containerd"), filepath.Join(run, o.Instance)
	return paths{
		base:    base,
		root:    filepath.Join(base, "root"),
		records: filepath.Join(base, "records"),
		tasks:   filepath.Join(base, "tasks"),
		bin:     filepath.Join(o.DataDir, "bin"),
		lock:    filepath.Join(base, "lock"),
		state:   state,
		sockets: filepath.Join(state, "s"),
		grpc:    filepath.Join(state, "grpc.sock"),
		ttrpc:   filepath.Join(state, "ttrpc.sock"),
		runc:    filepath.Join(state, "runc"),
		secrets: filepath.Join(state, "secrets"),
		mounts:  filepath.Join(state, "mounts"),
		cgroup:  "/neargate-" + o.Instance,
	}
}
