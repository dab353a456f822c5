package network

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/network/networktest"
)

func TestReadSockets(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0A01000A:9C40 09710BCB:01BB 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 3
`
	got, err := readSockets(strings.NewReader(table), listening, TCP)
	want := []Socket{{TCP, addr("127.0.0.1"), 80}, {TCP, addr("::"), 8080}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("sockets are %v, %v; want %v", got, err, want)
	}
	if got[0].Answers(addr("10.0.1.10")) || !got[1].Answers(addr("10.0.1.10")) {
		t.Error("a socket on 127.0.0.1 does not hear the network, one on :: does")
	}
}

// What listens is found in the interface's own namespace, and nowhere else.
func TestSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(example())
	w.serve(w.NetNS("eni-public"), "127.0.0.1:80", "to itself")
	w.serve(w.NetNS("eni-public"), "0.0.0.0:8080", "to all")
	networktest.Listen(t, w.NetNS("eni-private"), "0.0.0.0:9999")
	got, err := w.Sockets("eni-public")
	if want := []Socket{{TCP, addr("127.0.0.1"), 80}, {TCP, addr("0.0.0.0"), 8080}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("sockets are %v, %v; want %v", got, err, want)
	}
	for _, id := range []string{"eni-vpce", "eni-x"} {
		if _, err := w.Sockets(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("sockets of %s: %v", id, err)
		}
	}
}
