package s3

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/state"
)

func TestPathStyle(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"127.0.0.1:4566", "/"}:                                         "/",
		{"127.0.0.1:4566", "/bucket/key"}:                               "/bucket/key",
		{"127.0.0.1:4566", "/bucket/"}:                                  "/bucket",
		{"127.0.0.1:4566", "/bucket/folder/"}:                           "/bucket/folder/",
		{"localhost:4566", "/bucket/a//b"}:                              "/bucket/a//b",
		{"s3.eu-west-1.amazonaws.com", "/bucket/key"}:                   "/bucket/key",
		{"s3.amazonaws.com", "/bucket/"}:                                "/bucket",
		{"s3-eu-west-1.amazonaws.com", "/bucket"}:                       "/bucket",
		{"s3.dualstack.eu-west-1.amazonaws.com", "/bucket/k"}:           "/bucket/k",
		{"bucket.s3.eu-west-1.amazonaws.com", "/"}:                      "/bucket",
		{"bucket.s3.eu-west-1.amazonaws.com:443", "/a%2Fb/c"}:           "/bucket/a%2Fb/c",
		{"BUCKET.S3.amazonaws.com.", "/key"}:                            "/bucket/key",
		{"bucket.s3.amazonaws.com", "//key"}:                            "/bucket//key",
		{"bucket.s3-eu-west-1.amazonaws.com", "/key"}:                   "/bucket/key",
		{"bucket.s3.dualstack.eu-west-1.amazonaws.com", "/key"}:         "/bucket/key",
		{"my.dotted.bucket.s3.eu-west-1.amazonaws.com", "/key"}:         "/my.dotted.bucket/key",
		{"s3.bucket.s3.eu-west-1.amazonaws.com", "/key"}:                "/s3.bucket/key",
		{"prod-eu-west-1-starport.s3.eu-west-1.amazonaws.com", "/k"}:    "/prod-eu-west-1-starport/k",
		{"bucket.s3.localhost.localstack.cloud:4566", "/key"}:           "/bucket/key",
		{"s3.localhost.localstack.cloud:4566", "/bucket/key"}:           "/bucket/key",
		{"bucket.s3.eu-west-1.localhost.localstack.cloud:4566", "/key"}: "/bucket/key",
		{"bucket.localhost:4566", "/key"}:                               "/bucket/key",
		{"s3.localhost:4566", "/bucket/key"}:                            "/bucket/key",
		{"ecs.eu-west-1.amazonaws.com", "/a/b"}:                         "/a/b",
	} {
		got, ok := PathStyle(in[0], in[1])
		s3 := !strings.HasPrefix(in[0], "127.") && !strings.HasPrefix(in[0], "localhost:") && !strings.HasPrefix(in[0], "ecs.") || got != in[1]
		if got != want || ok != s3 {
			t.Errorf("%s%s: %s %v, want %s", in[0], in[1], got, ok, want)
		}
	}
}

func TestBucketNames(t *testing.T) {
	for _, good := range []string{"abc", "a.b-c", "aws-sam-cli-managed-default-samclisourcebucket-abcdefghijkl", strings.Repeat("a", 63), "1-2"} {
		if !validBucketName(good) {
			t.Errorf("%q was refused", good)
		}
	}
	for _, bad := range []string{"", "ab", strings.Repeat("a", 64), "Abc", "a_b", "-ab", "ab-", ".ab", "a..b", "a.-b", "192.168.0.1", "xn--abc", "abc-s3alias", "sthree-x", "a b", "abc--x-s3", "é12"} {
		if validBucketName(bad) {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseRange(t *testing.T) {
	for header, want := range map[string]struct {
		span    span
		partial bool
		fails   bool
	}{
		"":                   {span{0, 10}, false, false},
		"bytes=0-0":          {span{0, 1}, true, false},
		"bytes=3-":           {span{3, 10}, true, false},
		"bytes=3-99":         {span{3, 10}, true, false},
		"bytes=-3":           {span{7, 10}, true, false},
		"bytes=-99":          {span{0, 10}, true, false},
		"bytes=0-1,3-4":      {span{0, 10}, false, false},
		"bytes=5-2":          {span{0, 10}, false, false},
		"bytes=a-b":          {span{0, 10}, false, false},
		"items=0-1":          {span{0, 10}, false, false},
		"bytes=10-":          {span{0, 10}, false, true},
		"bytes=-0":           {span{0, 10}, false, true},
		"bytes=99999999999-": {span{0, 10}, false, true},
	} {
		got, partial, err := parseRange(header, 10)
		if got != want.span || partial != want.partial || (err != nil) != want.fails {
			t.Errorf("%q: %v %v %v", header, got, partial, err)
		}
	}
	for _, header := range []string{"bytes=0-4", " bytes=0-4", "bytes=0-", "0-4", "bytes=4-0", "bytes=0-4x", "bytes=0-10"} {
		if _, err := copyRange(header, 10); (err == nil) != (header == "bytes=0-4") {
			t.Errorf("copy range %q: %v", header, err)
		}
	}
}

// The checksum of an object is the same whether it is computed of all its bytes
// or made of its parts' checksums.
func TestCombineChecksums(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, algorithm := range []string{"CRC32", "CRC32C", "CRC64NVME"} {
		whole := newHash(algorithm)
		var parts []*state.UploadPart
		for range 5 {
			data := make([]byte, random.IntN(100_000))
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			whole.Write(data)
			h := newHash(algorithm)
			h.Write(data)
			parts = append(parts, &state.UploadPart{Size: int64(len(data)), Checksum: encodeSum(h)})
		}
		got, err := combine(algorithm, fullObject, parts)
		if err != nil || got != encodeSum(whole) {
			t.Errorf("%s: %s, want %s (%v)", algorithm, got, encodeSum(whole), err)
		}
	}
	// Published check values: of the digits 1 to 9.
	for algorithm, want := range map[string]uint64{"CRC32": 0xcbf43926, "CRC32C": 0xe3069283, "CRC64NVME": 0xae8b14860a799888} {
		h := newHash(algorithm)
		h.Write([]byte("123456789"))
		raw, _ := base64.StdEncoding.DecodeString(encodeSum(h))
		if got := fmt.Sprintf("%x", raw); got != fmt.Sprintf("%x", want) {
			t.Errorf("%s is %s", algorithm, got)
		}
	}
}

// Whatever the size of its pages, a list tells every key once and in order.
func TestListPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`[ab/]{1,5}`), rapid.ID).Draw(t, "keys")
		slices.Sort(names)
		prefix := rapid.StringMatching(`[ab/]{0,2}`).Draw(t, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "b/"}).Draw(t, "delimiter")
		most := rapid.IntRange(1, 5).Draw(t, "page size")
		all := rapid.Bool().Draw(t, "versions")

		var records []*state.ObjectVersion
		want := []string{}
		for _, name := range names {
			marker := false
			for n := range rapid.IntRange(1, 3).Draw(t, "versions of a key") {
				v := &state.ObjectVersion{ObjectKey: name, VersionID: fmt.Sprint(n), DeleteMarker: rapid.Bool().Draw(t, "marker")}
				if n == 0 {
					marker = v.DeleteMarker
				}
				if strings.HasPrefix(name, prefix) {
					records = append(records, v)
					if common := commonPrefix(name, query{prefix: prefix, delimiter: delimiter}); common == "" && (all || n == 0 && !marker) {
						want = append(want, name+"@"+v.VersionID)
					} else if common != "" && (all || n == 0 && !marker) && !slices.Contains(want, common) {
						want = append(want, common)
					}
				}
			}
		}
		q := query{prefix: prefix, delimiter: delimiter, most: most, versions: all}
		got := []string{}
		for range 100 {
			p := list(slices.Values(records), q)
			if len(p.items)+len(p.prefixes) > most {
				t.Fatalf("page of %d", len(p.items)+len(p.prefixes))
			}
			for _, i := range p.items {
				got = append(got, i.version.ObjectKey+"@"+i.version.VersionID)
			}
			got = append(got, p.prefixes...)
			if !p.truncated {
				break
			}
			q.after, q.afterVersion = p.next, p.nextVersion
			if !all {
				q.afterVersion = ""
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestIsPublic(t *testing.T) {
	statement := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",` + rest + `}]}`
	}
	for document, want := range map[string]bool{
		statement(`"Principal":"*"`):                                                             true,
		statement(`"Principal":{"AWS":"*"}`):                                                     true,
		statement(`"Principal":{"AWS":["arn:aws:iam::111111111111:root","*"]}`):                  true,
		statement(`"NotPrincipal":{"AWS":"arn:aws:iam::111111111111:root"}`):                     true,
		statement(`"Principal":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`):    false,
		statement(`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`):      true,
		statement(`"Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`): true,
		statement(`"Principal":{"AWS":"111111111111"}`):                                          false,
		statement(`"Principal":{"Service":"logs.amazonaws.com"}`):                                false,
		`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`:         false,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`:        true,
	} {
		if got := isPublic(document); got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

func TestCopySource(t *testing.T) {
	for header, want := range map[string][3]string{
		"bucket/key":                 {"bucket", "key", ""},
		"/bucket/a/b":                {"bucket", "a/b", ""},
		"bucket/a%20b%2Bc":           {"bucket", "a b+c", ""},
		"bucket/a+b?versionId=abc":   {"bucket", "a+b", "abc"},
		"bucket":                     {},
		"bucket/":                    {},
		"bucket/key?x=y":             {},
		"arn:aws:s3:::accesspoint/x": {},
	} {
		bucket, key, version, err := parseCopySource(header)
		if (err == nil) != (want[0] != "") || err == nil && [3]string{bucket, key, version} != want {
			t.Errorf("%q: %q %q %q %v", header, bucket, key, version, err)
		}
	}
}
