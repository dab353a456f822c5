package containerd

import (
	"context"
	"fmt"
	"os"
	"path"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/typeurl/v2"
	"github.com/moby/sys/user"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// groupAnnotation makes containers of one task share one shim.
const groupAnnotation = "io.containerd.runc.v2.group"

const (
	defaultPath    = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	defaultShmSize = 64 << 20
)

// specInput is everything that the OCI spec of a container follows from.
type specInput struct {
	container runtime.ContainerSpec
	task      runtime.TaskSpec
	image     runtime.ImageConfig
	user      user.ExecUser
	host      hostLimits
	cgroup    string // of the container
	taskGroup string
	cgroups   cgroupTree
	initPath  string // our binary on the host
	pidNS     string // "" is a process namespace of its own
}

// buildSpec begins with containerd's defaults, which are Docker's as far as
// masked paths, devices and namespaces go, and changes what differs.
func buildSpec(ctx context.Context, in specInput) (*specs.Spec, error) {
	s, err := oci.GenerateSpec(ctx, nil, &containers.Container{ID: in.container.ID})
	if err != nil {
		return nil, err
	}
	if err := setProcess(s, in); err != nil {
		return nil, err
	}
	setNamespaces(s, in)
	s.Root.Readonly = in.container.ReadonlyRootfs
	s.Hostname = firstNonEmpty(in.container.Hostname, in.container.ID)
	s.Annotations = map[string]string{groupAnnotation: in.task.ID}
	setMounts(s, in)
	if err := setSysctls(s, in); err != nil {
		return nil, err
	}
	setResources(s, in)
	setSeccomp(s, in.image.Architecture)
	return s, nil
}

// setSeccomp sets the default profile, which depends on the capabilities. It is
// written for three ABIs on amd64 (also i386 and x32), and runc compiles it anew
// for each container: a third of the work of a start. Images for amd64 have
// 64-bit programs, so only the image's own ABI is let through; on the others
// every system call is refused.
func setSeccomp(s *specs.Spec, architecture string) {
	s.Linux.Seccomp = seccomp.DefaultProfile(s)
	if native := s.Linux.Seccomp.Architectures; architecture == goruntime.GOARCH && len(native) > 1 {
		s.Linux.Seccomp.Architectures = native[:1]
	}
}

func setProcess(s *specs.Spec, in specInput) error {
	c := in.container
	args := c.Args
	if args == nil {
		args = append(slices.Clone(in.image.Entrypoint), in.image.Command...)
	}
	if len(args) == 0 {
		return fmt.Errorf("%w: no command specified", runtime.ErrInvalid)
	}
	if c.Init {
		args = append([]string{initPath, "--"}, args...)
	}
	p := s.Process
	p.Args = args
	p.Env = mergeEnvironment(mergeEnvironment([]string{defaultPath}, in.image.Environment), c.Environment)
	p.Cwd = firstNonEmpty(c.WorkingDir, in.image.WorkingDir, "/")
	p.Terminal = c.Terminal
	if c.Terminal {
		p.Env = mergeEnvironment([]string{"TERM=xterm"}, p.Env)
	}
	p.NoNewPrivileges = false // as in Docker: setuid programs work
	capabilities, err := capabilitySet(c.CapAdd, c.CapDrop)
	if err != nil {
		return err
	}
	p.Capabilities = &specs.LinuxCapabilities{Bounding: capabilities, Permitted: capabilities, Effective: capabilities}
	setUser(p, in.user)
	p.Rlimits, err = rlimits(c.Ulimits, in.host)
	return err
}

// setUser also takes the capabilities from everyone but root; what a program
// may gain by setuid stays.
func setUser(p *specs.Process, u user.ExecUser) {
	p.User = specs.User{UID: uint32(u.Uid), GID: uint32(u.Gid)}
	for _, gid := range u.Sgids {
		p.User.AdditionalGids = append(p.User.AdditionalGids, uint32(gid))
	}
	if u.Uid != 0 {
		p.Capabilities.Permitted, p.Capabilities.Effective = nil, nil
	}
}

func setNamespaces(s *specs.Spec, in specInput) {
	for i, ns := range s.Linux.Namespaces {
		switch ns.Type {
		case specs.NetworkNamespace:
			s.Linux.Namespaces[i].Path = in.task.NetNS
		case specs.PIDNamespace:
			s.Linux.Namespaces[i].Path = in.pidNS
		}
	}
	if in.cgroups.unified {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
}

// setMounts adds the caller's mounts, outer before inner. One at the place of a
// default replaces it.
func setMounts(s *specs.Spec, in specInput) {
	c := in.container
	shm := c.ShmSize
	if shm == 0 {
		shm = defaultShmSize
	}
	for i := range s.Mounts {
		if s.Mounts[i].Destination == "/dev/shm" {
			s.Mounts[i].Options = []string{"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%d", shm)}
		}
	}
	// The limits that a program looks up in its own cgroup.
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
		Options: []string{"ro", "nosuid", "noexec", "nodev", "relatime"}})
	var mine []specs.Mount
	for _, m := range c.Mounts {
		mine = append(mine, toMount(m))
	}
	if c.Init {
		mine = append(mine, initMount(in.initPath))
	}
	slices.SortStableFunc(mine, func(a, b specs.Mount) int { return depth(a.Destination) - depth(b.Destination) })
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool {
		return m.Destination == "/run" || // containerd's idea; an image's own /run is to be seen
			slices.ContainsFunc(mine, func(own specs.Mount) bool { return own.Destination == m.Destination })
	})
	s.Mounts = append(s.Mounts, mine...)
}

func toMount(m runtime.Mount) specs.Mount {
	mode := "rw"
	if m.ReadOnly {
		mode = "ro"
	}
	target := path.Clean(m.Target)
	if m.Type == runtime.Bind {
		return specs.Mount{Destination: target, Type: "bind", Source: m.Source, Options: []string{"rbind", "rprivate", mode}}
	}
	options := []string{"nosuid", "nodev", mode}
	if m.Size > 0 {
		options = append(options, fmt.Sprintf("size=%d", m.Size))
	}
	return specs.Mount{Destination: target, Type: "tmpfs", Source: "tmpfs", Options: append(options, m.Options...)}
}

func depth(p string) int { return strings.Count(p, "/") }

func setResources(s *specs.Spec, in specInput) {
	c := in.container
	s.Linux.CgroupsPath = in.cgroup
	shares := uint64(max(c.CPUShares, 2))
	s.Linux.Resources.CPU = &specs.LinuxCPU{Shares: &shares}
	memory := &specs.LinuxMemory{}
	if c.MemoryLimit > 0 {
		memory.Limit = &c.MemoryLimit
		if in.cgroups.has("memory", in.taskGroup, "memory.memsw.limit_in_bytes") || in.cgroups.has("memory", in.taskGroup, "memory.swap.max") {
			memory.Swap = &c.MemoryLimit // memory and swap together: no swap
		}
	}
	if c.MemoryReservation > 0 {
		memory.Reservation = &c.MemoryReservation
	}
	s.Linux.Resources.Memory = memory
}

// setSysctls lets through what belongs to the container's own namespaces.
func setSysctls(s *specs.Spec, in specInput) error {
	s.Linux.Sysctl = map[string]string{
		// As in Docker: images that do not run as root bind port 80.
		"net.ipv4.ip_unprivileged_port_start": "0",
	}
	for name, value := range in.container.Sysctls {
		namespaced := strings.HasPrefix(name, "net.") || strings.HasPrefix(name, "fs.mqueue.") ||
			slices.Contains([]string{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
				"kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"}, name)
		if !namespaced || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("%w: sysctl %q is not in a separate kernel namespace", runtime.ErrInvalid, name)
		}
		s.Linux.Sysctl[name] = value
	}
	return nil
}

// mergeEnvironment adds NAME=value entries; a later one replaces an earlier one
// at its place.
func mergeEnvironment(base, more []string) []string {
	out := slices.Clone(base)
	for _, entry := range more {
		name, _, _ := strings.Cut(entry, "=")
		at := slices.IndexFunc(out, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if at < 0 {
			out = append(out, entry)
		} else {
			out[at] = entry
		}
	}
	return out
}

func readSpec(record containers.Container) (*specs.Spec, error) {
	decoded, err := typeurl.UnmarshalAny(record.Spec)
	if err != nil {
		return nil, err
	}
	s, ok := decoded.(*specs.Spec)
	if !ok {
		return nil, fmt.Errorf("container %s has a spec of type %T", record.ID, decoded)
	}
	return s, nil
}

func hasTerminal(record containers.Container) (bool, error) {
	s, err := readSpec(record)
	if err != nil {
		return false, err
	}
	return s.Process.Terminal, nil
}

// isStatic says whether a program runs in any root file system, that is
// whether it asks for no dynamic loader.
func isStatic(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	return staticELF(file)
}
