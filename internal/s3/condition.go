package s3

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// conditions are the conditional headers of a request that reads an object.
// prefix names them in errors: "" or "x-amz-copy-source-".
type conditions struct {
	match, noneMatch     string
	modified, unmodified time.Time
	prefix               string
}

// check compares with an object, in the order of RFC 9110: a match by entity tag
// goes before one by date. A reader that has the object already gets a 304.
func (c conditions) check(v *state.ObjectVersion) error {
	switch {
	case c.match != "" && !hasETag(c.match, v):
		return errPrecondition(c.prefix + "If-Match")
	case c.match == "" && !c.unmodified.IsZero() && v.LastModified.After(c.unmodified):
		return errPrecondition(c.prefix + "If-Unmodified-Since")
	case c.noneMatch != "" && hasETag(c.noneMatch, v):
		return c.notModified(v, "If-None-Match")
	case c.noneMatch == "" && !c.modified.IsZero() && !v.LastModified.After(c.modified):
		return c.notModified(v, "If-Modified-Since")
	}
	return nil
}

func (c conditions) notModified(v *state.ObjectVersion, condition string) error {
	if c.prefix != "" { // a copy is no cache
		return errPrecondition(c.prefix + condition)
	}
	f := errDetailed("NotModified", 304, "Not Modified")
	f.ETag = quote(v.ETag)
	return f
}

// checkWrite compares with what is at the key now, nil if nothing is.
func checkWrite(match, noneMatch, key string, now *state.ObjectVersion) error {
	exists := now != nil && !now.DeleteMarker
	switch {
	case noneMatch != "" && noneMatch != "*":
		f := errNotImplemented("If-None-Match").(*failure)
		f.details = append(f.details, [2]string{"additionalMessage", "We don't accept the provided value of If-None-Match header for this API"})
		return f
	case noneMatch != "" && match != "":
		return errNotImplemented("If-Match,If-None-Match")
	case noneMatch == "*" && exists:
		return errPrecondition("If-None-Match")
	case match != "" && !exists:
		return errNoSuchKey(key)
	case match != "" && !hasETag(match, now):
		return errPrecondition("If-Match")
	}
	return nil
}

// hasETag says whether a list of entity tags has the object's, or is "*".
func hasETag(list string, v *state.ObjectVersion) bool {
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == "*" || strings.Trim(part, `"`) == v.ETag {
			return true
		}
	}
	return false
}

func quote(etag string) string { return `"` + etag + `"` }
