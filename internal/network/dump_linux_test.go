package network

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
)

// TestInterruptedListingsAreRepeated, but not for ever, and not for other errors.
func TestInterruptedListingsAreRepeated(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		errs  []error // of each try; the last for all that follow
		want  error
		tries int
	}{
		"at once":  {[]error{nil}, nil, 1},
		"later":    {[]error{netlink.ErrDumpInterrupted, netlink.ErrDumpInterrupted, nil}, nil, 3},
		"broken":   {[]error{netlink.ErrDumpInterrupted, broken}, broken, 2},
		"for ever": {[]error{netlink.ErrDumpInterrupted}, netlink.ErrDumpInterrupted, dumpTries},
	} {
		tries := 0
		_, err := whole(func() ([]int, error) {
			tries++
			return nil, c.errs[min(tries, len(c.errs))-1]
		})
		if !errors.Is(err, c.want) || tries != c.tries {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
	}
}
