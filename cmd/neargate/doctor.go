package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/cli"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// check is one line of `neargate doctor`.
type check struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // ok, warning or problem
	Detail  string `json:"detail"`
	Fix     string `json:"fix,omitempty"`
}

func doctorCommand(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check what this machine offers, with a fix for each problem",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := examine(opts)
			problems := 0
			for _, c := range checks {
				if c.Verdict == "problem" {
					problems++
				}
			}
			w := cmd.OutOrStdout()
			if opts.output == "json" {
				if err := cli.JSON(w, "doctor", checks); err != nil {
					return err
				}
			} else {
				s := cli.StyleFor(w)
				mark := map[string]string{"ok": s.Green("✓"), "warning": s.Yellow("!"), "problem": s.Red("✗")}
				for _, c := range checks {
					fmt.Fprintf(w, "%s %-12s %s\n", mark[c.Verdict], c.Name, c.Detail)
					if c.Fix != "" {
						fmt.Fprintf(w, "    fix  %s\n", c.Fix)
					}
				}
			}
			if problems > 0 {
				return cli.ExitStatus(cli.ExitProblems)
			}
			return nil
		},
	}
}

func examine(opts *options) []check {
	return append([]check{
		checkRoot(), checkKernel(), checkCgroups(), checkNamespaces(), checkNftables(), checkOverlay(opts.dataDir),
		checkRunc(opts), checkDisk(opts.dataDir), checkPort("127.0.0.1:4566", opts), checkClock(),
	}, checkNames(opts)...)
}

// checkNames asks the running instance whether it has its front and its DNS server.
func checkNames(opts *options) []check {
	r, err := connect(opts)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var s statusView
	if r.call(ctx, "GET", "/_neargate/api/status", nil, &s) != nil {
		return nil
	}
	out := []check{{"front", "ok", "load balancers by name: " + strings.Join(s.Front, ", "), ""}, {"dns", "ok", "DNS server for this machine: " + s.DNS, ""}}
	if strings.Contains(out[0].Detail, "not on ") {
		out[0].Verdict, out[0].Fix = "warning", "stop what listens there, or neargate up --front-http 8080 --front-https 8443"
	}
	if strings.HasPrefix(s.DNS, "not on ") {
		out[1].Verdict, out[1].Fix = "warning", "neargate up --dns 127.0.0.54:53, or another address and port"
	}
	return out
}

func checkRoot() check {
	if os.Geteuid() == 0 {
		return check{"root", "ok", "running as root", ""}
	}
	return check{"root", "problem", "not root: containers need namespaces, mounts and cgroups", "sudo neargate ..."}
}

func checkKernel() check {
	release := kernelRelease()
	var major, minor int
	fmt.Sscanf(release, "%d.%d", &major, &minor)
	if major < 5 || major == 5 && minor < 10 {
		return check{"kernel", "problem", release + " is older than 5.10", "use a newer kernel"}
	}
	return check{"kernel", "ok", "Linux " + release, ""}
}

// kernelRelease is what uname -r prints.
func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return string(bytes.TrimRight(u.Release[:], "\x00"))
}

func checkCgroups() check {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		b, _ := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
		for _, want := range []string{"cpu", "memory", "pids"} {
			if !strings.Contains(" "+strings.TrimSpace(string(b))+" ", " "+want+" ") {
				return check{"cgroups", "problem", "cgroup v2 without the " + want + " controller", "enable it on the kernel's command line"}
			}
		}
		return check{"cgroups", "ok", "version 2", ""}
	}
	for _, want := range []string{"cpu", "memory", "pids"} {
		if _, err := os.Stat(filepath.Join("/sys/fs/cgroup", want)); err != nil {
			return check{"cgroups", "problem", "neither cgroup v2 nor the v1 controller " + want + " is mounted", "mount cgroup2 at /sys/fs/cgroup"}
		}
	}
	return check{"cgroups", "ok", "version 1 (hybrid)", ""}
}

func checkNamespaces() check {
	for _, ns := range []string{"net", "mnt", "pid", "ipc", "uts"} {
		if _, err := os.Stat("/proc/self/ns/" + ns); err != nil {
			return check{"namespaces", "problem", "the kernel has no " + ns + " namespaces", "use a kernel with namespaces"}
		}
	}
	return check{"namespaces", "ok", "net, mnt, pid, ipc, uts", ""}
}

func checkNftables() check {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return check{"nftables", "problem", "no netfilter: " + err.Error(), "modprobe nf_tables"}
	}
	unix.Close(fd)
	return check{"nftables", "ok", "netfilter answers (no nft program is needed)", ""}
}

// checkOverlay is content with overlayfs as a module too: the kernel loads it
// with the first mount. Without it, images are copied for every container.
func checkOverlay(dataDir string) check {
	if b, err := os.ReadFile("/proc/filesystems"); err == nil && bytes.Contains(b, []byte("overlay")) {
		return check{"overlayfs", "ok", "for images below " + dataDir, ""}
	}
	for _, list := range []string{"modules.dep", "modules.builtin"} {
		b, err := os.ReadFile(filepath.Join("/lib/modules", kernelRelease(), list))
		if err == nil && bytes.Contains(b, []byte("/overlay.ko")) {
			return check{"overlayfs", "ok", "a module, loaded when the first container needs it", ""}
		}
	}
	return check{"overlayfs", "warning", "the kernel has no overlay file system: every container copies its image", "modprobe overlay"}
}

func checkRunc(opts *options) check {
	if embeddedRunc() {
		return check{"runc", "ok", "embedded in this binary", ""}
	}
	if path, err := exec.LookPath("runc"); err == nil {
		return check{"runc", "ok", path, ""}
	}
	return check{"runc", "problem", "this binary was built without runc, and the host has none", "make build   or   apt-get install runc"}
}

func checkDisk(dataDir string) check {
	dir := dataDir
	for {
		if _, err := os.Stat(dir); err == nil || dir == "/" {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return check{"disk", "warning", err.Error(), ""}
	}
	free := st.Bavail * uint64(st.Bsize) >> 20
	if free < 1024 {
		return check{"disk", "warning", fmt.Sprintf("%d MiB free at %s", free, dir), "free some space, or --data-dir elsewhere"}
	}
	return check{"disk", "ok", fmt.Sprintf("%d GiB free at %s", free>>10, dir), ""}
}

func checkPort(address string, opts *options) check {
	if info, err := locate(opts); err == nil {
		return check{"api", "ok", "Neargate answers at " + info.Endpoint, ""}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return check{"port", "problem", err.Error(), "stop what listens there, or neargate up --listen 127.0.0.1:4567"}
	}
	l.Close()
	return check{"port", "ok", address + " is free", ""}
}

func checkClock() check {
	if time.Now().Year() < 2024 {
		return check{"clock", "problem", "the clock says " + time.Now().Format(time.RFC3339) + "; signatures depend on it", "set the clock"}
	}
	return check{"clock", "ok", time.Now().UTC().Format(time.RFC3339), ""}
}
