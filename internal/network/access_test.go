package network

import (
	"fmt"
	"testing"
)

func TestAccessOf(t *testing.T) {
	tests := []struct{ from, to, want string }{
		{"10.0.1.10", "198.18.200.1", "internet-gateway igw-1 seen 198.19.0.2 target  true"},
		{"10.0.1.11", "198.18.200.1", "  seen 10.0.1.11 target  false"},
		{"10.0.2.10", "198.18.200.1", "nat-gateway nat-1 seen 198.19.0.1 target  true"},
		{"10.0.3.10", "198.18.0.1", "gateway-endpoint vpce-s3 seen 10.0.3.10 target  true"},
		{"10.0.3.10", "198.18.200.1", "  seen 10.0.3.10 target  false"},
		{"10.0.3.10", "10.0.3.20", "local  seen 10.0.3.10 target vpce-logs true"},
		{"10.0.3.10", "10.0.3.11", "local  seen 10.0.3.10 target  false"},
		{"10.0.3.99", "10.0.3.20", "  seen invalid IP target  false"},
	}
	for _, tt := range tests {
		a, ok := AccessOf(site, example(), addr(tt.from), addr(tt.to))
		if got := fmt.Sprintf("%s %s seen %s target %s %v", a.Through, a.ID, a.Seen, a.Target.Owner, ok); got != tt.want {
			t.Errorf("%s -> %s: got %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestPartsOfAWSDoNotOverlap(t *testing.T) {
	parts := []fmt.Stringer{site.S3(), site.DynamoDB(), site.Services(), site.PublicIPs()}
	if got := fmt.Sprint(parts); got != "[198.18.0.0/20 198.18.16.0/20 198.18.128.0/17 198.19.0.0/16]" {
		t.Errorf("parts: %s", got)
	}
}
