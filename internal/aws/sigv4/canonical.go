package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text whose digest is signed.
func canonicalRequest(r *http.Request, s *Signature, payloadHash string) []byte {
	b := make([]byte, 0, 512+len(r.URL.RawQuery)+len(r.URL.Path))
	b = append(b, r.Method...)
	b = append(b, '\n')
	if s.Service == "s3" || s.Service == "s3-object-lambda" {
		b = appendPath(b, rawPath(r))
	} else {
		b = appendPathTwice(b, rawPath(r))
	}
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for _, name := range s.SignedHeaders {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payloadHash...)
}

// rawPath is the path as the client wrote it.
func rawPath(r *http.Request) string {
	if p := r.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// appendPath is S3's form: every byte encoded once. What the client encoded
// stays encoded (%2F is not a slash), what it should have encoded is.
func appendPath(b []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			b = append(b, c)
		case c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]):
			b = appendEncoded(b, unhex(path[i+1])<<4|unhex(path[i+2]))
			i += 2
		default:
			b = appendEncoded(b, c)
		}
	}
	return b
}

// appendPathTwice is the form of all other services: dot segments and doubled
// slashes removed, and the path that travels, already encoded, encoded again.
func appendPathTwice(b []byte, path string) []byte {
	var out []string
	for seg := range strings.SplitSeq(path, "/") {
		switch seg {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, seg)
		}
	}
	for _, seg := range out {
		b = append(b, '/')
		for i := 0; i < len(seg); i++ {
			b = appendEncoded(b, seg[i])
		}
	}
	if len(out) == 0 || strings.HasSuffix(path, "/") {
		b = append(b, '/')
	}
	return b
}

func appendQuery(b []byte, raw string) []byte {
	if raw == "" {
		return b
	}
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if part == "" || name == "X-Amz-Signature" {
			continue
		}
		pair := appendQueryPart(nil, name)
		pair = append(pair, '=')
		pairs = append(pairs, string(appendQueryPart(pair, value)))
	}
	// Sorted by name, then value. "=" would sort in between the characters of
	// names, so compare the halves.
	slices.SortFunc(pairs, func(x, y string) int {
		xn, xv, _ := strings.Cut(x, "=")
		yn, yv, _ := strings.Cut(y, "=")
		if c := strings.Compare(xn, yn); c != 0 {
			return c
		}
		return strings.Compare(xv, yv)
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p...)
	}
	return b
}

func appendQueryPart(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, "%20"...)
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = appendEncoded(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = appendEncoded(b, c)
		}
	}
	return b
}

// appendHeader writes a header's values, trimmed, inner spaces collapsed,
// joined by commas. net/http moves some headers out of the map.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	values := r.Header[http.CanonicalHeaderKey(name)]
	if name == "host" {
		host := r.Host
		if host == "" {
			host = r.URL.Host
		}
		return append(b, host...)
	}
	if len(values) == 0 {
		switch {
		case name == "content-length" && r.ContentLength >= 0:
			return strconv.AppendInt(b, r.ContentLength, 10)
		case name == "transfer-encoding":
			return append(b, strings.Join(r.TransferEncoding, ",")...)
		case name == "x-amz-trailer" || name == "trailer":
			return appendTrailerNames(b, r)
		}
	}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollapsed(b, v)
	}
	return b
}

func appendTrailerNames(b []byte, r *http.Request) []byte {
	names := make([]string, 0, len(r.Trailer))
	for n := range r.Trailer {
		names = append(names, strings.ToLower(n))
	}
	slices.Sort(names)
	return append(b, strings.Join(names, ",")...)
}

func appendCollapsed(b []byte, v string) []byte {
	v = strings.TrimSpace(v)
	for i := 0; i < len(v); i++ {
		if (v[i] == ' ' || v[i] == '\t') && i > 0 && (v[i-1] == ' ' || v[i-1] == '\t') {
			continue
		}
		if v[i] == '\t' {
			b = append(b, ' ')
			continue
		}
		b = append(b, v[i])
	}
	return b
}

func appendEncoded(b []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
		return append(b, c)
	}
	return append(b, '%', hex[c>>4], hex[c&15])
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
