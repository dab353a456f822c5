package runtime

import (
	"errors"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestPick(t *testing.T) {
	entry := func(os, arch, variant string) ocispec.Descriptor {
		return ocispec.Descriptor{Platform: &ocispec.Platform{OS: os, Architecture: arch, Variant: variant}, Annotations: map[string]string{"is": os + arch + variant}}
	}
	index := ocispec.Index{Manifests: []ocispec.Descriptor{
		entry("unknown", "unknown", ""), entry("linux", "arm", "v6"), entry("linux", "arm", "v7"), entry("linux", "arm64", "v8"), entry("linux", "amd64", ""),
	}}
	for want, platform := range map[string]ocispec.Platform{
		"linuxamd64":   {OS: "linux", Architecture: "amd64"},
		"linuxarm64v8": {OS: "linux", Architecture: "arm64"},
		"linuxarmv7":   {OS: "linux", Architecture: "arm", Variant: "v7"},
	} {
		got, err := Pick(index, platform)
		if err != nil || got.Annotations["is"] != want {
			t.Errorf("Pick(%v) = %v, %v, want %s", platform, got.Annotations, err, want)
		}
	}
	var none *PlatformError
	if _, err := Pick(index, ocispec.Platform{OS: "linux", Architecture: "s390x"}); !errors.As(err, &none) {
		t.Fatalf("Pick(s390x): %v, want a PlatformError", err)
	}
	if want := "image has no manifest for platform linux/s390x, only for linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64"; none.Error() != want {
		t.Errorf("error says %q, want %q", none, want)
	}
}
