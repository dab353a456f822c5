package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/neargate/neargate/internal/pki"
	"golang.org/x/sys/unix"
)

// bundlePlaces are the trust stores of distributions.
var bundlePlaces = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// enterPrivateMounts moves this thread into a mount namespace in which the
// hosts file and the trust stores know the instance. It returns the path of the
// bundle. The thread stays locked: it is about to become the command.
func enterPrivateMounts(dataDir string, api apiNames, authority *pki.Authority) (string, error) {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return "", err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	work := filepath.Join(dataDir, "run")
	if err := os.MkdirAll(work, 0o700); err != nil {
		return "", err
	}
	// A tmpfs of this namespace only: it goes when the command ends.
	if err := unix.Mount("tmpfs", work, "tmpfs", 0, "mode=755,size=16m"); err != nil {
		return "", err
	}
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	var text strings.Builder
	for _, name := range api.Names {
		fmt.Fprintf(&text, "%s %s\n", api.Address, name)
	}
	text.Write(hosts)
	if err := overlayFile(work, "hosts", "/etc/hosts", []byte(text.String())); err != nil {
		return "", err
	}
	if err := useResolver(work, api.Resolver); err != nil {
		return "", err
	}
	bundle := ""
	for i, place := range bundlePlaces {
		old, err := os.ReadFile(place)
		if err != nil {
			continue
		}
		if err := overlayFile(work, fmt.Sprintf("ca-%d.pem", i), place, authority.Bundle(old)); err != nil {
			return "", err
		}
		bundle = place
	}
	if bundle == "" {
		bundle = filepath.Join(work, "ca.pem")
		if err := os.WriteFile(bundle, authority.Bundle(nil), 0o644); err != nil {
			return "", err
		}
	}
	return bundle, nil
}

// useResolver makes the instance's resolver the only one in this namespace; what
// it does not know it asks those of the machine. Where there is no file that says
// who is asked, the hosts file has to do.
func useResolver(work, address string) error {
	config, err := os.ReadFile("/etc/resolv.conf")
	if address == "" || os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := overlayFile(work, "resolv.conf", "/etc/resolv.conf", resolverConfig(config, address)); err != nil {
		return err
	}
	order, err := os.ReadFile("/etc/nsswitch.conf")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return overlayFile(work, "nsswitch.conf", "/etc/nsswitch.conf", lookupOrder(order))
}

// resolverConfig is a resolv.conf with another server.
func resolverConfig(old []byte, address string) []byte {
	text := "nameserver " + address + "\n"
	for line := range strings.Lines(string(old)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "nameserver") {
			text += line
		}
	}
	return []byte(text)
}

// lookupOrder is an nsswitch.conf by which names of hosts are looked up in the
// hosts file and by DNS: systemd's resolver would ask outside of the namespace.
func lookupOrder(old []byte) []byte {
	text := ""
	for line := range strings.Lines(string(old)) {
		if strings.HasPrefix(strings.TrimSpace(line), "hosts:") {
			line = "hosts: files dns\n"
		}
		text += line
	}
	return []byte(text)
}

func overlayFile(work, name, place string, data []byte) error {
	path := filepath.Join(work, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(place)
	if err != nil {
		return err
	}
	return unix.Mount(path, resolved, "", unix.MS_BIND, "")
}
