package network

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestReadDrop(t *testing.T) {
	ip := []byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 1, 10, 10, 0, 3, 20}
	options := slices.Concat([]byte{0x46}, ip[1:], []byte{0, 0, 0, 0})
	icmp := slices.Clone(ip)
	icmp[9] = 1
	for _, tt := range []struct {
		prefix string
		packet []byte
		want   string
	}{
		{"out-eni-1", append(slices.Clone(ip), 0x80, 0, 0x01, 0xbb), "eni-1 true 6 10.0.1.10 10.0.3.20 443 true"},
		{"in-eni-1", append(options, 0x80, 0, 0x01, 0xbb), "eni-1 false 6 10.0.1.10 10.0.3.20 443 true"},
		{"in-eni-1", append(icmp, 8, 0), "eni-1 false 1 10.0.1.10 10.0.3.20 8 true"},
		{"in-eni-1", ip, "eni-1 false 6 10.0.1.10 10.0.3.20 0 true"},
		{"in-eni-1", ip[:19], "eni-1 false 0 invalid IP invalid IP 0 false"},
		{"in-eni-1", nil, "eni-1 false 0 invalid IP invalid IP 0 false"},
		{"nacl-out-acl-1-100", append(slices.Clone(ip), 0x80, 0, 0x01, 0xbb), " true 6 10.0.1.10 10.0.3.20 443 true"},
		{"nacl-in-acl-1-32767", append(slices.Clone(ip), 0x80, 0, 0x01, 0xbb), " false 6 10.0.1.10 10.0.3.20 443 true"},
		{"other", ip, "other false 0 invalid IP invalid IP 0 false"},
	} {
		d, ok := readDrop(tt.prefix, tt.packet)
		if got := fmt.Sprintf("%s %v %d %s %s %d %v", d.ENI, d.Egress, d.Protocol, d.From, d.To, d.Port, ok); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.prefix, got, tt.want)
		}
	}
}

func TestDropsAreBounded(t *testing.T) {
	var d drops
	for i := range 100 {
		d.note(Dropped{ENI: "eni-1", Port: i, Last: time.Unix(int64(i), 0)})
	}
	d.note(Dropped{ENI: "eni-1", Port: 80, Last: time.Unix(200, 0)})
	all := d.of("eni-1", netip.Addr{})
	if last := all[len(all)-1]; len(all) != dropsPerENI || last.Port != 80 || last.Count != 2 {
		t.Errorf("%d, last %+v", len(all), last)
	}
	for i := range maxDropENIs + 10 {
		d.note(Dropped{ENI: fmt.Sprint("eni-", i)})
	}
	if len(d.enis) != maxDropENIs {
		t.Errorf("%d interfaces", len(d.enis))
	}
}

// What groups drop is seen, with both sides named.
func TestDropsAreSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(example())
	if w.vpcs["vpc-a"].drops == nil {
		t.Skip("this kernel does not report dropped packets")
	}
	w.expect("eni-closed", "10.0.3.20:443", "time-out")
	w.expect("eni-isolated", "10.0.3.20:8443", "time-out")
	for _, tt := range []struct {
		eni  string
		want Dropped
	}{
		{"eni-closed", Dropped{ENI: "eni-closed", Egress: true, Protocol: TCP, From: addr("10.0.3.11"), To: addr("10.0.3.20"), Port: 443}},
		{"eni-vpce", Dropped{ENI: "eni-vpce", Protocol: TCP, From: addr("10.0.3.10"), To: addr("10.0.3.20"), Port: 8443}},
	} {
		var got []Dropped
		for range 100 { // the kernel tells it a moment later
			if got = w.Drops(tt.eni); len(got) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(got) != 1 || got[0].Count < 1 || time.Since(got[0].Last) > time.Minute {
			t.Errorf("%s: %+v", tt.eni, got)
			continue
		}
		got[0].Count, got[0].Last = 0, time.Time{}
		if got[0] != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.eni, got[0], tt.want)
		}
	}
}

func FuzzReadDrop(f *testing.F) {
	f.Add("out-eni-1", []byte{0x4f, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 1, 10, 10, 0, 3, 20, 1, 2})
	f.Fuzz(func(t *testing.T, prefix string, packet []byte) {
		if d, ok := readDrop(prefix, packet); ok && (!d.From.IsValid() || d.Port > 65535) {
			t.Errorf("%+v", d)
		}
	})
}
