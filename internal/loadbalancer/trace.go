package loadbalancer

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"
)

// newTrace returns an id as of X-Amzn-Trace-Id after its five letters' name:
// Root=1-67891233-abcdef012345678912345678.
func newTrace(name string, now time.Time) string {
	b := [40]byte{5: '1', 6: '-', 15: '-'}
	var raw [16]byte
	binary.BigEndian.PutUint32(raw[:4], uint32(now.Unix()))
	binary.BigEndian.PutUint32(raw[4:8], rand.Uint32())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	copy(b[:], name)
	hex.Encode(b[7:15], raw[:4])
	hex.Encode(b[16:], raw[4:])
	return string(b[:])
}

// traceID returns the X-Amzn-Trace-Id that a target gets for the one that came: a
// root is made where there is none, and a caller's root gets our Self before it.
func traceID(came string, now time.Time) string {
	if came == "" {
		return newTrace("Root=", now)
	}
	var kept []string
	root := false
	for part := range strings.SplitSeq(came, ";") {
		part = strings.TrimSpace(part)
		if part == "" || strings.HasPrefix(part, "Self=") {
			continue
		}
		root = root || strings.HasPrefix(part, "Root=")
		kept = append(kept, part)
	}
	name := "Root="
	if root {
		name = "Self="
	}
	return strings.Join(append([]string{newTrace(name, now)}, kept...), ";")
}

// newConnTrace returns the id of a connection in logs.
func newConnTrace() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], rand.Uint64())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	return "TID_" + hex.EncodeToString(raw[:])
}
