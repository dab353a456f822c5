package runtime

import (
	"maps"
	"slices"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Pick chooses the manifest of an index for a platform (the zero value is the
// host's), the best fitting variant first. Error: *PlatformError.
func Pick(index ocispec.Index, platform ocispec.Platform) (ocispec.Descriptor, error) {
	if platform.OS == "" && platform.Architecture == "" {
		platform = platforms.DefaultSpec()
	}
	match := platforms.Only(platform)
	var best *ocispec.Descriptor
	have := map[string]bool{}
	for i, d := range index.Manifests {
		if d.Platform == nil || d.Platform.OS == "unknown" { // attestations and the like
			continue
		}
		have[platforms.Format(platforms.Normalize(*d.Platform))] = true
		if match.Match(*d.Platform) && (best == nil || match.Less(*d.Platform, *best.Platform)) {
			best = &index.Manifests[i]
		}
	}
	if best != nil {
		return *best, nil
	}
	if len(have) == 0 && len(index.Manifests) == 1 { // one manifest without a platform: its config tells
		return index.Manifests[0], nil
	}
	return ocispec.Descriptor{}, &PlatformError{Want: platforms.Format(platform), Have: slices.Sorted(maps.Keys(have))}
}

// CheckPlatform says whether an image made for "have" runs where "want" (the
// zero value is the host's platform) is asked for. Error: *PlatformError.
func CheckPlatform(have, want ocispec.Platform) error {
	if want.OS == "" && want.Architecture == "" {
		want = platforms.DefaultSpec()
	}
	if have.OS == "" {
		have.OS = "linux"
	}
	if have.Architecture == "" || platforms.Only(want).Match(have) {
		return nil
	}
	return &PlatformError{Want: platforms.Format(want), Have: []string{platforms.Format(have)}}
}

// ConfigOf takes from an OCI image configuration what a runtime needs.
func ConfigOf(image ocispec.Image) ImageConfig {
	return ImageConfig{
		Entrypoint:   image.Config.Entrypoint,
		Command:      image.Config.Cmd,
		Environment:  image.Config.Env,
		User:         image.Config.User,
		WorkingDir:   image.Config.WorkingDir,
		StopSignal:   image.Config.StopSignal,
		ExposedPorts: slices.Sorted(maps.Keys(image.Config.ExposedPorts)),
		Volumes:      slices.Sorted(maps.Keys(image.Config.Volumes)),
		Labels:       image.Config.Labels,
		OS:           image.OS,
		Architecture: image.Architecture,
	}
}
