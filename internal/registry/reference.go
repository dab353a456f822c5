package registry

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
)

var (
	repositoryForm = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	hostForm       = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?$`)
)

// ValidRepository says whether a name can be a repository's.
func ValidRepository(name string) bool { return len(name) <= 256 && repositoryForm.MatchString(name) }

// ValidTag says whether a text can be a tag.
func ValidTag(tag string) bool { return tagForm.MatchString(tag) }

// Reference is the name of an image in a registry.
type Reference struct {
	Host       string        // registry: docker.io when the name has none
	Repository string        // library/nginx for Docker's own
	Tag        string        // "latest" when there is neither tag nor digest
	Digest     digest.Digest // "" when named by tag
}

// ParseReference reads an image name as Docker does: "nginx" is
// docker.io/library/nginx:latest, and a first part with a dot or a colon, or
// "localhost", is the registry.
func ParseReference(name string) (Reference, error) {
	ref := Reference{Host: "docker.io"}
	rest := name
	if first, after, ok := strings.Cut(name, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		ref.Host, rest = strings.ToLower(first), after
	}
	if rest, after, ok := strings.Cut(rest, "@"); ok {
		ref.Digest = digest.Digest(after)
		if ref.Digest.Validate() != nil {
			return ref, fmt.Errorf("image name %q: %q is not a digest", name, after)
		}
		return ref.finish(name, rest)
	}
	return ref.finish(name, rest)
}

func (ref Reference) finish(name, rest string) (Reference, error) {
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest, ref.Tag = rest[:i], rest[i+1:]
		if !ValidTag(ref.Tag) {
			return ref, fmt.Errorf("image name %q: %q is not a tag", name, ref.Tag)
		}
	} else if ref.Digest == "" {
		ref.Tag = "latest"
	}
	if ref.Host == "index.docker.io" || ref.Host == "registry-1.docker.io" {
		ref.Host = "docker.io"
	}
	if ref.Host == "docker.io" && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	if !hostForm.MatchString(ref.Host) || !ValidRepository(rest) {
		return ref, fmt.Errorf("%q is not an image name", name)
	}
	ref.Repository = rest
	return ref, nil
}

// String is the full name: host/repository:tag@digest.
func (ref Reference) String() string {
	out := ref.Host + "/" + ref.Repository
	if ref.Tag != "" {
		out += ":" + ref.Tag
	}
	if ref.Digest != "" {
		out += "@" + ref.Digest.String()
	}
	return out
}
