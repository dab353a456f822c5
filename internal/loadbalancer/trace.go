package loadbalancer

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"
)

// newTrace returns an id as of X-Amzn-Trace-Id: 1-67891233-abcdef012345678912345678.
func newTrace(now time.Time) string {
	var b [35]byte
	var raw [16]byte
	binary.BigEndian.PutUint32(raw[:4], uint32(now.Unix()))
	binary.BigEndian.PutUint32(raw[4:8], rand.Uint32())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	b[0], b[1], b[10] = '1', '-', '-'
	hex.Encode(b[2:10], raw[:4])
	hex.Encode(b[11:], raw[4:])
	return string(b[:])
}

// traceID returns the X-Amzn-Trace-Id that a target gets for the one that came: a
// root is made where there is none, and a caller's root gets our Self before it.
func traceID(came string, now time.Time) string {
	if came == "" {
		return "Root=" + newTrace(now)
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
	first := "Root="
	if root {
		first = "Self="
	}
	return strings.Join(append([]string{first + newTrace(now)}, kept...), ";")
}

// newConnTrace returns the id of a connection in logs.
func newConnTrace() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], rand.Uint64())
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64())
	return "TID_" + hex.EncodeToString(raw[:])
}
