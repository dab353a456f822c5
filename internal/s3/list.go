package s3

import (
	"encoding/base64"
	"iter"
	"net/url"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// query is what a list of keys is asked for.
type query struct {
	prefix, delimiter string
	after             string // keys and common prefixes up to this one have been told before
	afterVersion      string // versions only: the versions of the key after, up to this one, too
	versions          bool   // all versions, not only the latest
	most              int
}

// page is a part of a list.
type page struct {
	items       []item
	prefixes    []string
	truncated   bool
	next        string // the last key or common prefix that was told
	nextVersion string
}

type item struct {
	version *state.ObjectVersion
	latest  bool
}

// list cuts a page out of the versions of a bucket, which come by key and then
// by age, newest first. It is a pure function.
func list(all iter.Seq[*state.ObjectVersion], q query) page {
	var p page
	if q.most == 0 {
		return p
	}
	previous := ""  // key of the version before
	seen := false   // that version exists
	prefix := ""    // the common prefix told last
	passed := false // the version afterVersion was met
	for v := range all {
		newest := !seen || v.ObjectKey != previous
		previous, seen = v.ObjectKey, true
		if !q.versions && (!newest || v.DeleteMarker) {
			continue
		}
		if q.after != "" && v.ObjectKey <= q.after {
			// Of the key at which the page before ended, the versions after the one named are still to be told.
			told := v.ObjectKey < q.after || q.afterVersion == "" || !passed
			passed = passed || v.ObjectKey == q.after && v.VersionID == q.afterVersion
			if told {
				continue
			}
		}
		common := commonPrefix(v.ObjectKey, q)
		if common != "" && (common == prefix || common <= q.after) {
			continue
		}
		if len(p.items)+len(p.prefixes) == q.most {
			p.truncated = true
			return p
		}
		if common != "" {
			prefix = common
			p.prefixes, p.next, p.nextVersion = append(p.prefixes, common), common, ""
			continue
		}
		p.items, p.next, p.nextVersion = append(p.items, item{v, newest}), v.ObjectKey, v.VersionID
	}
	p.next, p.nextVersion = "", ""
	return p
}

// commonPrefix is the part of a key up to the first delimiter after the prefix.
func commonPrefix(key string, q query) string {
	if q.delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(q.prefix):], q.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(q.prefix)+i+len(q.delimiter)]
}

// encoder encodes keys in an answer, if the request asked for that: XML cannot
// hold every character that a key can.
func encoder(encodingType string) (func(string) string, error) {
	switch encodingType {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }, nil
	}
	return nil, errInvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encodingType)
}

func limitOf(most *int32, name string) (int, error) {
	switch {
	case most == nil || *most > 1000:
		return 1000, nil
	case *most < 0:
		return 0, errInvalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, itoa(int(*most)))
	}
	return int(*most), nil
}

// encodeToken makes a continuation token of the last key that was told.
func encodeToken(key string) string { return base64.URLEncoding.EncodeToString([]byte("1" + key)) }

func decodeToken(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(raw) == 0 || raw[0] != '1' {
		return "", errDetailed("InvalidArgument", 400, "The continuation token provided is incorrect", "ArgumentName", "continuation-token")
	}
	return string(raw[1:]), nil
}
