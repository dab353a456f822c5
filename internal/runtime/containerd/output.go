package containerd

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/cio"
)

// logTo says where the container's output goes. The shim opens the file and
// writes it by itself, so that nothing is lost while we are not there.
func logTo(record containers.Container) (cio.Creator, error) {
	path := record.Labels[labelLog]
	terminal, err := hasTerminal(record)
	if err != nil {
		return nil, err
	}
	if path == "" && !terminal {
		return cio.NullIO, nil
	}
	if path == "" {
		path = os.DevNull
	} else if err := touch(path); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	if terminal {
		return cio.TerminalLogURI(&url.URL{Scheme: "file", Path: path}), nil
	}
	return func(string) (cio.IO, error) { return shimFile(path), nil }, nil
}

// touch makes the file, which the shim would make readable for everybody.
func touch(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// shimFile is a file to which the shim appends both streams. Containerd's own
// way (cio.LogFile) loses the last lines of stderr now and then: the shim opens
// one file for both, and the first stream to end closes it under the other one.
// Two spellings of the path make it open the file twice.
type shimFile string

func (f shimFile) Config() cio.Config {
	path := string(f)
	return cio.Config{Stdout: path, Stderr: filepath.Dir(path) + "/./" + filepath.Base(path)}
}

func (shimFile) Cancel()      {}
func (shimFile) Wait()        {}
func (shimFile) Close() error { return nil }
