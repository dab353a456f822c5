package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Repository is a repository of a private registry. Written by ecr.
type Repository struct {
	Account, Region, Name string

	CreatedAt        time.Time
	TagMutability    string   // MUTABLE, IMMUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION
	TagExclusions    []string // wildcards
	Policy           string   // repository policy document; "" without
	LifecyclePolicy  string   // document; "" without
	LifecycleChecked time.Time
	Tags             []Tag
}

// Key is the record's key.
func (r *Repository) Key() string { return Key(r.Account, r.Region, r.Name) }

// ARN is the repository's ARN.
func (r *Repository) ARN() string {
	return "arn:aws:ecr:" + r.Region + ":" + r.Account + ":repository/" + r.Name
}

// Repositories holds the repositories of private registries by account/region/name.
var Repositories = store.Define("ecr.repository", (*Repository).Key)

// Image is an image manifest or index in a repository; its data is in the blob
// store under the digest. Written by ecr.
type Image struct {
	Account, Region, Repository, Digest string

	MediaType    string
	ConfigType   string   // media type of the configuration; "" for an index
	Subject      string   // digest of the manifest it is attached to
	Size         int64    // bytes of configuration and layers together; the largest of an index
	ManifestSize int64    // bytes
	References   []string // digests of its layers and configuration, or of its manifests
	IsIndex      bool
	Tags         []string // sorted
	PushedAt     time.Time
	PulledAt     time.Time // to within a day
}

// Key is the record's key.
func (i *Image) Key() string { return RepositoryItemKey(i.Account, i.Region, i.Repository, i.Digest) }

// Images holds images by account/region/repository@digest. Index "tag" takes
// account/region/repository:tag.
var Images = store.Define("ecr.image", (*Image).Key,
	store.By("tag", func(i *Image) []string {
		out := make([]string, len(i.Tags))
		for n, tag := range i.Tags {
			out[n] = Key(i.Account, i.Region, i.Repository) + ":" + tag
		}
		return out
	}))

// Layer says that a blob of the blob store is part of a repository. Written by ecr.
type Layer struct {
	Account, Region, Repository, Digest string

	Size int64 // bytes
}

// Key is the record's key.
func (l *Layer) Key() string { return RepositoryItemKey(l.Account, l.Region, l.Repository, l.Digest) }

// Layers holds the layers and configurations of repositories by account/region/repository@digest.
var Layers = store.Define("ecr.layer", (*Layer).Key)

// RepositoryItemKey is the key of an image or a layer; with an empty digest it
// is the prefix of all those of the repository.
func RepositoryItemKey(account, region, repository, digest string) string {
	return Key(account, region, repository) + "@" + digest
}
