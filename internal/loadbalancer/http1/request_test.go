package http1

import (
	"strings"
	"testing"
)

// lf writes CR LF for each line's end.
func lf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestRequests(t *testing.T) {
	long := strings.Repeat("a", MaxLine)
	for _, tt := range []struct {
		name, head     string
		status         int    // 0: taken
		reason         string // classification
		target         string
		length         int64
		chunked, keeps bool
	}{
		{"plain", "GET / HTTP/1.1\nHost: a\n\n", 0, "", "/", 0, false, true},
		{"close", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n", 0, "", "/", 0, false, false},
		{"1.0", "GET / HTTP/1.0\n\n", 0, "", "/", 0, false, false},
		{"1.0 keep-alive", "GET / HTTP/1.0\nConnection: Keep-Alive\n\n", 0, "", "/", 0, false, true},
		{"length", "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n", 0, "", "/", 5, false, true},
		{"chunked", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n", 0, "", "/", 0, true, true},
		{"identity", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity\nContent-Length: 1\n\n", 0, "", "/", 1, false, true},
		{"absolute form", "GET http://b/x?y HTTP/1.1\nHost: a\n\n", 0, "", "/x?y", 0, false, true},
		{"absolute form without path", "GET http://b HTTP/1.1\nHost: a\n\n", 0, "", "/", 0, false, true},
		{"asterisk", "OPTIONS * HTTP/1.1\nHost: a\n\n", 0, "", "*", 0, false, true},
		{"non-ASCII target", "GET /\xc3\xa4 HTTP/1.1\nHost: a\n\n", 0, "", "/%C3%A4", 0, false, true},

		{"both CL and TE", "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n", 0, "BothTeClPresent", "/", 0, true, true},
		{"the same length twice", "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 5\n\n", 0, "DuplicateContentLength", "/", 5, false, true},
		{"two lengths", "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 6\n\n", 400, "MultipleContentLength", "", 0, false, false},
		{"a list of lengths", "POST / HTTP/1.1\nHost: a\nContent-Length: 5, 5\n\n", 400, "BadContentLength", "", 0, false, false},
		{"signed length", "POST / HTTP/1.1\nHost: a\nContent-Length: +5\n\n", 400, "BadContentLength", "", 0, false, false},
		{"negative length", "POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", 400, "BadContentLength", "", 0, false, false},
		{"hexadecimal length", "POST / HTTP/1.1\nHost: a\nContent-Length: 0x5\n\n", 400, "BadContentLength", "", 0, false, false},
		{"empty length", "POST / HTTP/1.1\nHost: a\nContent-Length:\n\n", 400, "BadContentLength", "", 0, false, false},
		{"length beyond int64", "POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999\n\n", 400, "BadContentLength", "", 0, false, false},
		{"chunked twice", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", 400, "MultipleTransferEncodingChunked", "", 0, false, false},
		{"chunked twice in one", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, chunked\n\n", 400, "MultipleTransferEncodingChunked", "", 0, false, false},
		{"gzip", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n", 501, "BadTransferEncoding", "", 0, false, false},
		{"xchunked", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked\n\n", 501, "BadTransferEncoding", "", 0, false, false},
		{"chunked with a control character", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: \x0bchunked\n\n", 400, "BadTransferEncoding", "", 0, false, false},
		{"chunked in quotes", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: \"chunked\"\n\n", 400, "BadTransferEncoding", "", 0, false, false},
		{"chunked in 1.0", "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n", 400, "BadTransferEncoding", "", 0, false, false},
		{"space before the colon", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding : chunked\n\n", 400, "SuspiciousHeader", "", 0, false, false},
		{"underscore", "POST / HTTP/1.1\nHost: a\nTransfer_Encoding: chunked\n\n", 400, "SuspiciousHeader", "", 0, false, false},
		{"a tab in the name", "POST / HTTP/1.1\nHost: a\nContent-Length\t: 5\n\n", 400, "SuspiciousHeader", "", 0, false, false},
		{"a control character in the name", "POST / HTTP/1.1\nHost: a\n\x01Transfer-Encoding: chunked\n\n", 400, "SuspiciousHeader", "", 0, false, false},
		{"space in a name", "GET / HTTP/1.1\nHost: a\nX Y: z\n\n", 400, "BadHeader", "", 0, false, false},
		{"folded", "GET / HTTP/1.1\nHost: a\nX: y\n z\n\n", 400, "BadHeader", "", 0, false, false},
		{"folded first", "GET / HTTP/1.1\n Host: a\n\n", 400, "BadHeader", "", 0, false, false},
		{"no colon", "GET / HTTP/1.1\nHost: a\nnonsense\n\n", 400, "BadHeader", "", 0, false, false},
		{"null in a value", "GET / HTTP/1.1\nHost: a\nX: a\x00b\n\n", 400, "BadHeader", "", 0, false, false},
		{"no name", "GET / HTTP/1.1\nHost: a\n: x\n\n", 0, "EmptyHeader", "/", 0, false, true},
		{"non-ASCII value", "GET / HTTP/1.1\nHost: a\nX: \xe4\n\n", 0, "NonCompliantHeader", "/", 0, false, true},
		{"GET with a body", "GET / HTTP/1.1\nHost: a\nContent-Length: 3\n\n", 0, "UndefinedContentLengthSemantics", "/", 3, false, true},
		{"GET with length 0", "GET / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", 0, "GetHeadZeroContentLength", "/", 0, false, true},
		{"GET chunked", "GET / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n", 0, "UndefinedTransferEncodingSemantics", "/", 0, true, true},
		{"space in the target", "GET /a b HTTP/1.1\nHost: a\n\n", 0, "SpaceInUri", "/a%20b", 0, false, true},
		{"control character in the target", "GET /a\x01b HTTP/1.1\nHost: a\n\n", 0, "AmbiguousUri", "/a%01b", 0, false, true},
		{"null in the target", "GET /a\x00b HTTP/1.1\nHost: a\n\n", 400, "BadUri", "", 0, false, false},
		{"fragment", "GET /a#b HTTP/1.1\nHost: a\n\n", 0, "AmbiguousUri", "/a%23b", 0, false, true},
		{"no target", "GET  HTTP/1.1\nHost: a\n\n", 400, "BadUri", "", 0, false, false},
		{"relative target", "GET a HTTP/1.1\nHost: a\n\n", 400, "BadUri", "", 0, false, false},
		{"odd method", "G(T / HTTP/1.1\nHost: a\n\n", 400, "BadMethod", "", 0, false, false},
		{"no version", "GET /\nHost: a\n\n", 400, "BadVersion", "", 0, false, false},
		{"malformed version", "GET / HTTP/1.1x\nHost: a\n\n", 400, "BadVersion", "", 0, false, false},
		{"lower-case version", "GET / http/1.1\nHost: a\n\n", 400, "BadVersion", "", 0, false, false},
		{"1.2", "GET / HTTP/1.2\nHost: a\n\n", 0, "NonCompliantVersion", "/", 0, false, true},
		{"2.0", "PRI * HTTP/2.0\n\n", 505, "NonCompliantVersion", "", 0, false, false},
		{"no host", "GET / HTTP/1.1\n\n", 400, "", "", 0, false, false},
		{"two hosts", "GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400, "", "", 0, false, false},
		{"host with a slash", "GET / HTTP/1.1\nHost: a/b\n\n", 400, "", "", 0, false, false},
		{"host with a space", "GET / HTTP/1.1\nHost: a b\n\n", 400, "", "", 0, false, false},
		{"TRACE", "TRACE / HTTP/1.1\nHost: a\n\n", 405, "", "", 0, false, false},
		{"a long line", "GET /" + long + " HTTP/1.1\nHost: a\n\n", 414, "", "", 0, false, false},
		{"a long field", "GET / HTTP/1.1\nHost: a\nX: " + long + "\n\n", 400, "", "", 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			head := lf(tt.head)
			if n := HeadEnd([]byte(head), 0); n != len(head) {
				t.Fatalf("the head ends at %d of %d", n, len(head))
			}
			err := ParseRequest(head, &r)
			if err != nil {
				if err.Status != tt.status || err.Reason != tt.reason {
					t.Fatalf("%d %s (%s), want %d %s", err.Status, err.Reason, err.Detail, tt.status, tt.reason)
				}
				return
			}
			if tt.status != 0 || r.finding.Reason != tt.reason || r.Target != tt.target || r.Length != tt.length || r.Chunked != tt.chunked || r.KeepAlive != tt.keeps {
				t.Fatalf("%+v", r)
			}
			if tt.reason != "" && threats[tt.reason] == Severe {
				t.Fatal("a severe request is taken")
			}
		})
	}
}

func TestBareLineFeeds(t *testing.T) {
	for _, head := range []string{"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\nX: y\r\n\r\n"} {
		n := HeadEnd([]byte(head), 0)
		if n == 0 {
			t.Errorf("%q has no end", head)
			continue
		}
		var r Request
		if err := ParseRequest(head[:n], &r); err == nil || err.Status != 400 {
			t.Errorf("%q is taken: %v", head, err)
		}
	}
}

// TestHeadEndInPieces: however a head arrives, its end is found once, at the same place.
func TestHeadEndInPieces(t *testing.T) {
	head := lf("GET / HTTP/1.1\nHost: a\nX: y\n\n")
	for cut := range len(head) {
		if n := HeadEnd([]byte(head[:cut]), 0); n != 0 {
			t.Fatalf("ends at %d when %d bytes are here", n, cut)
		}
		if n := HeadEnd([]byte(head+"rest"), cut); n != len(head) {
			t.Fatalf("ends at %d after %d bytes were seen", n, cut)
		}
	}
}

func TestConnectionNamesFields(t *testing.T) {
	var r Request
	if err := ParseRequest(lf("GET / HTTP/1.1\nHost: a\nConnection: X-Secret, X-Forwarded-For, cookie\nX-Secret: 1\nX-Forwarded-For: 10.0.0.1\nCookie: c\nOther: 2\n\n"), &r); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "X-Forwarded-For Cookie Other" {
		t.Errorf("fields for the target: %s", got)
	}
}

func TestResponses(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		err        error
		status     int
		length     int64
		has, chunk bool
		keeps      bool
	}{
		{"plain", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", nil, 200, 3, true, false, true},
		{"no phrase", "HTTP/1.1 200\n\n", nil, 200, 0, false, false, true},
		{"1.0", "HTTP/1.0 200 OK\n\n", nil, 200, 0, false, false, false},
		{"close", "HTTP/1.1 404 Not Found\nConnection: close\n\n", nil, 404, 0, false, false, false},
		{"chunked", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", nil, 200, 0, false, true, true},
		{"chunked and length", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 3\n\n", nil, 200, 0, false, true, false},
		{"two lengths", "HTTP/1.1 200 OK\nContent-Length: 3\nContent-Length: 4\n\n", errFraming, 0, 0, false, false, false},
		{"no length", "HTTP/1.1 200 OK\nContent-Length: x\n\n", errFraming, 0, 0, false, false, false},
		{"other encoding", "HTTP/1.1 200 OK\nTransfer-Encoding: gzip\n\n", errFraming, 0, 0, false, false, false},
		{"no status line", "hello\n\n", errStatusLine, 0, 0, false, false, false},
		{"odd status", "HTTP/1.1 20x OK\n\n", errStatusLine, 0, 0, false, false, false},
		{"status 099", "HTTP/1.1 099 OK\n\n", errStatusLine, 0, 0, false, false, false},
		{"HTTP/2", "HTTP/2.0 200 OK\n\n", errStatusLine, 0, 0, false, false, false},
		{"folded", "HTTP/1.1 200 OK\nX: y\n z\n\n", errField, 0, 0, false, false, false},
		{"space in a name", "HTTP/1.1 200 OK\nX y: z\n\n", errField, 0, 0, false, false, false},
	} {
		for _, head := range []string{tt.head, lf(tt.head)} {
			var r Response
			err := ParseResponse(head, &r)
			if err != tt.err || err == nil && (r.Status != tt.status || r.Length != tt.length || r.HasLength != tt.has || r.Chunked != tt.chunk || r.KeepAlive != tt.keeps) {
				t.Errorf("%s: %+v, %v", tt.name, r, err)
			}
		}
	}
}
