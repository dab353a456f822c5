package network

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// dumpTries is how often a listing is asked for that changes while it is read.
const dumpTries = 20

// whole lists something of the kernel again while what it lists changes under
// the listing, as it does on a machine where others make and remove links.
func whole[T any](list func() ([]T, error)) ([]T, error) {
	var all []T
	var err error
	for range dumpTries {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}
