package s3

import (
	"slices"
	"time"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	enabled     = "Enabled"
	nullVersion = "null"
)

// latest returns the newest version of a key, which may be a delete marker; nil
// when there is none.
func latest(tx *store.Tx, bucket, key string) *state.ObjectVersion {
	for v := range state.ObjectVersions.All(tx, state.VersionsPrefix(bucket, key)) {
		if v.ObjectKey == key {
			return v
		}
	}
	return nil
}

func findVersion(tx *store.Tx, bucket, key, id string) *state.ObjectVersion {
	for v := range state.ObjectVersions.All(tx, state.VersionsPrefix(bucket, key)) {
		if v.ObjectKey == key && v.VersionID == id {
			return v
		}
	}
	return nil
}

// object finds what a request to a key, or to one of its versions, is about.
// method is the request's, for the error that a delete marker is answered with.
func object(tx *store.Tx, b *state.Bucket, key, version, method string) (*state.ObjectVersion, error) {
	if version == "" {
		v := latest(tx, b.Name, key)
		if v == nil || v.DeleteMarker {
			return nil, errNoObject(v, key)
		}
		return v, nil
	}
	if !validVersion(version) {
		return nil, errInvalidArgument("Invalid version id specified", "versionId", version)
	}
	v := findVersion(tx, b.Name, key, version)
	switch {
	case v == nil:
		return nil, errNoSuchVersion(key, version)
	case v.DeleteMarker:
		return nil, errMethodNotAllowed(method, v)
	}
	return v, nil
}

// errNoObject says that there is no object, and whether a delete marker is why.
func errNoObject(marker *state.ObjectVersion, key string) error {
	f := errNoSuchKey(key).(*failure)
	if marker != nil {
		yes := true
		f.DeleteMarker, f.VersionID = &yes, marker.VersionID
	}
	return f
}

func validVersion(id string) bool { return id == nullVersion || len(id) == 32 }

// shown is the version id as answers tell it: not at all in a bucket that never
// had versioning.
func shown(b *state.Bucket, id string) string {
	if b.Versioning == "" {
		return ""
	}
	return id
}

// add makes v the latest version of its key, in the way of the bucket's
// versioning. It returns the files of what it replaced.
func add(tx *store.Tx, b *state.Bucket, v *state.ObjectVersion, now time.Time) (files []string) {
	v.Order = uint64(now.UnixNano())
	if last := latest(tx, b.Name, v.ObjectKey); last != nil && last.Order >= v.Order {
		v.Order = last.Order + 1
	}
	v.LastModified = now.UTC().Truncate(time.Second)
	v.VersionID = nullVersion
	if b.Versioning == enabled {
		v.VersionID = ids.Mixed(32)
	} else if old := findVersion(tx, b.Name, v.ObjectKey, nullVersion); old != nil {
		state.ObjectVersions.Delete(tx, old.Key())
		files = filesOf(old)
	}
	state.ObjectVersions.Put(tx, v)
	return files
}

// remove deletes what a request without or with a version id names. It reports
// what to answer: the marker that was made or removed, the version's id, and the
// files that are free.
func remove(tx *store.Tx, b *state.Bucket, key, version string, now time.Time) (id string, marker bool, files []string) {
	if version != "" {
		v := findVersion(tx, b.Name, key, version)
		if v == nil {
			return version, false, nil
		}
		state.ObjectVersions.Delete(tx, v.Key())
		return version, v.DeleteMarker, filesOf(v)
	}
	if b.Versioning == "" {
		if v := findVersion(tx, b.Name, key, nullVersion); v != nil {
			state.ObjectVersions.Delete(tx, v.Key())
			files = filesOf(v)
		}
		return "", false, files
	}
	m := &state.ObjectVersion{Bucket: b.Name, ObjectKey: key, DeleteMarker: true}
	files = add(tx, b, m, now)
	return m.VersionID, true, files
}

func filesOf(v *state.ObjectVersion) []string {
	var out []string
	for _, segment := range v.Segments {
		if !slices.Contains(out, segment.File) {
			out = append(out, segment.File)
		}
	}
	return out
}
