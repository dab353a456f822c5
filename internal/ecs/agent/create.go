package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// openFiles is the limit of open files that Fargate gives.
const openFiles = 65535

// ensureTask makes the task's cgroup and files.
func (a *Agent) ensureTask(ctx context.Context, t *state.Task, d *state.TaskDefinition, face *Interface) error {
	if err := a.writeFiles(t, face); err != nil {
		return err
	}
	cpu, _ := strconv.ParseInt(t.CPU, 10, 64)
	memory, _ := strconv.ParseInt(t.Memory, 10, 64)
	fault.Point("agent.task.before")
	defer fault.Point("agent.task.after")
	return a.Runtime.EnsureTask(ctx, runtime.TaskSpec{ID: t.ID, CPU: cpu, Memory: memory << 20, NetNS: face.NetNS, SharePID: d.PIDMode == "task"})
}

// writeFiles writes the files that containers see as hosts, resolv.conf and hostname.
func (a *Agent) writeFiles(t *state.Task, face *Interface) error {
	dir := a.dir(t)
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o711); err != nil {
		return err
	}
	resolv := ""
	if face.SearchDomain != "" {
		resolv = "search " + face.SearchDomain + "\n"
	}
	for _, server := range face.DNSServers {
		resolv += "nameserver " + server.String() + "\n"
	}
	for name, content := range map[string]string{
		"hosts":       "127.0.0.1 localhost\n" + face.IP.String() + " " + face.HostnameInVPC + "\n" + endpointHosts(t),
		"resolv.conf": resolv,
		"hostname":    face.HostnameInVPC + "\n",
	} {
		if err := writeFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// create makes a container; its process does not run yet.
func (a *Agent) create(ctx context.Context, t *state.Task, d *state.TaskDefinition, i int, p *prepared, face *Interface) error {
	def := d.Containers[i]
	spec, err := a.spec(t, d, i, p, face)
	if err != nil {
		return err
	}
	fault.Point("agent.create.before")
	err = a.Runtime.Create(ctx, spec)
	fault.Point("agent.create.after")
	if err == nil || ctx.Err() != nil {
		return err
	}
	reason := textCreate(err)
	code := "run.create"
	var user *runtime.UserError
	if errors.As(err, &user) {
		code = "run.user"
	}
	return &failure{reason: reason, container: def.Name, decision: decision.Decision{Phase: decision.Create, Verdict: decision.Error, Code: code, Where: def.Name, Cause: err.Error(), AWSMessage: reason, Confidence: decision.Observed}}
}

func (a *Agent) spec(t *state.Task, d *state.TaskDefinition, i int, p *prepared, face *Interface) (runtime.ContainerSpec, error) {
	def := d.Containers[i]
	image := p.images[def.Name]
	hidden := secretEnvironment(def, p.files[def.Name], p.secrets[def.Name])
	mounts, err := a.mounts(t, d, def)
	if err != nil {
		return runtime.ContainerSpec{}, err
	}
	spec := runtime.ContainerSpec{
		ID: runtimeID(t, i), TaskID: t.ID, Image: image.Digest, Labels: map[string]string{"task": t.ID, "name": def.Name},
		Args: args(def, image.Config), Environment: environment(t, i, def, image.Config, face, p.trust[def.Name], hidden), Secrets: hidden,
		WorkingDir: def.WorkingDirectory, User: def.User, Hostname: face.HostnameInVPC,
		ReadonlyRootfs: def.ReadonlyRootFilesystem != nil && *def.ReadonlyRootFilesystem,
		Mounts:         append(mounts, p.trust[def.Name].mounts...),
		CPUShares:      int64(def.CPU), MemoryLimit: mib(def.Memory), MemoryReservation: mib(def.MemoryReservation),
		Ulimits:  []runtime.Ulimit{{Name: "nofile", Soft: openFiles, Hard: openFiles}},
		Terminal: def.PseudoTerminal != nil && *def.PseudoTerminal,
		Sysctls:  map[string]string{},
		LogPath:  a.logPath(t, def.Name),
	}
	for _, u := range def.Ulimits {
		limit := runtime.Ulimit{Name: u.Name, Soft: int64(u.Soft), Hard: int64(u.Hard)}
		if u.Name == "nofile" {
			spec.Ulimits[0] = limit
		} else {
			spec.Ulimits = append(spec.Ulimits, limit)
		}
	}
	for _, c := range def.SystemControls {
		spec.Sysctls[c.Name] = c.Value
	}
	if l := def.Linux; l != nil {
		spec.CapAdd, spec.CapDrop, spec.Init = l.CapAdd, l.CapDrop, l.Init != nil && *l.Init
		for _, tmp := range l.Tmpfs {
			spec.Mounts = append(spec.Mounts, runtime.Mount{Type: runtime.Tmpfs, Target: tmp.ContainerPath, Size: int64(tmp.Size) << 20, Options: tmp.MountOptions})
		}
	}
	return spec, nil
}

// mounts are the task's own files, the volumes, and what is taken over from
// other containers.
func (a *Agent) mounts(t *state.Task, d *state.TaskDefinition, def state.ContainerDefinition) ([]runtime.Mount, error) {
	var out []runtime.Mount
	for _, name := range []string{"hosts", "resolv.conf", "hostname"} {
		out = append(out, runtime.Mount{Type: runtime.Bind, Source: filepath.Join(a.dir(t), name), Target: "/etc/" + name})
	}
	add := func(c state.ContainerDefinition, readOnly bool) error {
		for _, m := range c.MountPoints {
			source := filepath.Join(a.dir(t), "volumes", m.SourceVolume)
			if err := os.MkdirAll(source, 0o755); err != nil {
				return err
			}
			out = append(out, runtime.Mount{Type: runtime.Bind, Source: source, Target: m.ContainerPath, ReadOnly: readOnly || m.ReadOnly != nil && *m.ReadOnly, CopyFromImage: true})
		}
		return nil
	}
	if err := add(def, false); err != nil {
		return nil, err
	}
	for _, v := range def.VolumesFrom {
		from, ok := d.Container(v.SourceContainer)
		if !ok {
			return nil, fmt.Errorf("volumesFrom names %s, which does not exist", v.SourceContainer)
		}
		if err := add(from, v.ReadOnly != nil && *v.ReadOnly); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Agent) logPath(t *state.Task, container string) string {
	return filepath.Join(a.dir(t), "logs", container+".log")
}

func mib(p *int32) int64 {
	if p == nil {
		return 0
	}
	return int64(*p) << 20
}

// startProcess starts a container that was created.
func (a *Agent) startProcess(ctx context.Context, t *state.Task, i int) error {
	fault.Point("agent.start.before")
	err := a.Runtime.Start(ctx, runtimeID(t, i))
	fault.Point("agent.start.after")
	if err == nil || ctx.Err() != nil {
		return err
	}
	name := t.Containers[i].Name
	problem := startProblem(err)
	reason := textStart(problem)
	code := "run.no-cmd"
	if strings.Contains(problem, "exec format error") {
		code = "reg.arch"
	}
	d := decision.Decision{Phase: decision.Start, Verdict: decision.Error, Code: code, Where: "container " + name, Cause: "container " + name + " cannot be started: " + problem, AWSMessage: reason, Confidence: decision.Observed, Time: time.Now()}
	return &failure{reason: reason, container: name, decision: d}
}

// startProblem is what runc says of a process that it could not start, without
// the names of the parts that passed it on.
func startProblem(err error) string {
	text := err.Error()
	for _, before := range []string{"unable to start container process: ", "error during container init: "} {
		if i := strings.LastIndex(text, before); i >= 0 {
			text = text[i+len(before):]
		}
	}
	return text
}
