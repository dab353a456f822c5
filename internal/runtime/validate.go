package runtime

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$`)

const maxID = 64

func validID(id string) bool { return len(id) <= maxID && idPattern.MatchString(id) }

// Validate says whether an implementation may act on the spec. Error: ErrInvalid.
func (s TaskSpec) Validate() error {
	switch {
	case !validID(s.ID):
		return fmt.Errorf("%w: task id %q", ErrInvalid, s.ID)
	case s.CPU < 0 || s.Memory < 0:
		return fmt.Errorf("%w: negative limit of task %s", ErrInvalid, s.ID)
	case s.NetNS != "" && !path.IsAbs(s.NetNS):
		return fmt.Errorf("%w: network namespace %q is not an absolute path", ErrInvalid, s.NetNS)
	}
	return nil
}

// Validate says whether an implementation may act on the spec, as far as the
// spec alone tells. Error: ErrInvalid.
func (s ContainerSpec) Validate() error {
	if !validID(s.ID) || !validID(s.TaskID) {
		return fmt.Errorf("%w: container id %q in task %q", ErrInvalid, s.ID, s.TaskID)
	}
	if s.CPUShares < 0 || s.MemoryLimit < 0 || s.MemoryReservation < 0 || s.ShmSize < 0 {
		return fmt.Errorf("%w: negative limit of container %s", ErrInvalid, s.ID)
	}
	if s.LogPath != "" && !path.IsAbs(s.LogPath) {
		return fmt.Errorf("%w: log path %q is not absolute", ErrInvalid, s.LogPath)
	}
	if s.WorkingDir != "" && !path.IsAbs(s.WorkingDir) {
		return fmt.Errorf("%w: working directory %q is not absolute", ErrInvalid, s.WorkingDir)
	}
	for _, e := range slices.Concat(s.Environment, s.Secrets) {
		if strings.Index(e, "=") < 1 || strings.ContainsRune(e, 0) {
			return fmt.Errorf("%w: environment entry is not NAME=value", ErrInvalid) // may be a secret: not shown
		}
	}
	for _, arg := range s.Args {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("%w: argument contains a zero byte", ErrInvalid)
		}
	}
	for _, m := range s.Mounts {
		if err := m.validate(); err != nil {
			return err
		}
	}
	return validateLabels(s.Labels)
}

func (m Mount) validate() error {
	if !path.IsAbs(m.Target) || path.Clean(m.Target) == "/" {
		return fmt.Errorf("%w: mount target %q", ErrInvalid, m.Target)
	}
	switch m.Type {
	case Bind:
		if !path.IsAbs(m.Source) {
			return fmt.Errorf("%w: source %q of the mount at %s is not absolute", ErrInvalid, m.Source, m.Target)
		}
	case Tmpfs:
		if m.Source != "" || m.CopyFromImage || m.Size < 0 {
			return fmt.Errorf("%w: tmpfs at %s has a source or a bad size", ErrInvalid, m.Target)
		}
	default:
		return fmt.Errorf("%w: mount type %q at %s", ErrInvalid, m.Type, m.Target)
	}
	return nil
}

func validateLabels(labels map[string]string) error {
	total := 0
	for k, v := range labels {
		total += len(k) + len(v)
		if k == "" {
			return fmt.Errorf("%w: empty label name", ErrInvalid)
		}
	}
	if total > 4096 {
		return fmt.Errorf("%w: labels of %d bytes, more than 4096", ErrInvalid, total)
	}
	return nil
}
