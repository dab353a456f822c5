package cloudformation

import (
	"testing"

	"github.com/neargate/neargate/internal/aws/wire"
)

// Every spelling in which clients name a template in S3 leads to the local object.
func TestParseURL(t *testing.T) {
	for text, want := range map[string]object{
		"http://127.0.0.1:4566/b/k/x.template":             {"b", "k/x.template", ""},
		"http://127.0.0.1:4566/b/k?versionId=v1":           {"b", "k", "v1"},
		"http://localhost:4566/b/k":                        {"b", "k", ""},
		"http://neargate:4566/b/k":                         {"b", "k", ""},
		"http://[::1]:4566/b/k":                            {"b", "k", ""},
		"https://s3.eu-west-1.amazonaws.com/b/k":           {"b", "k", ""},
		"https://s3-eu-west-1.amazonaws.com/b/k":           {"b", "k", ""},
		"https://s3.amazonaws.com/b/k":                     {"b", "k", ""},
		"https://s3.dualstack.eu-west-1.amazonaws.com/b/k": {"b", "k", ""},
		"https://my.bucket.s3.eu-west-1.amazonaws.com/k":   {"my.bucket", "k", ""},
		"https://b.s3.amazonaws.com/k%20y":                 {"b", "k y", ""},
		"https://b.s3-us-west-2.amazonaws.com/k":           {"b", "k", ""},
		"s3://b/k/y":                                       {"b", "k/y", ""},
	} {
		got, err := parseURL(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"isolated-vpc.yml":               "TemplateURL must be a supported URL.",
		"ftp://b/k":                      "TemplateURL must be a supported URL.",
		"https://example.com/b/k":        "S3 error: Domain name specified in example.com is not a valid S3 domain",
		"https://s3.amazonaws.com/only":  "TemplateURL must reference a valid S3 object to which you have access.",
		"http://169.254.169.254.nip.io/": "S3 error: Domain name specified in 169.254.169.254.nip.io is not a valid S3 domain",
	} {
		_, err := parseURL(text)
		if e, ok := err.(wire.Error); !ok || e.ErrorMessage() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestForSAM(t *testing.T) {
	for text, want := range map[string]string{
		"TemplateURL: http://127.0.0.1:4566/bucket/abc.template":        "TemplateURL: https://s3.r.amazonaws.com/bucket/abc.template",
		"{\"Location\": \"http://localhost:4566/bucket/p/a.template\"}": "{\"Location\": \"https://s3.r.amazonaws.com/bucket/p/a.template\"}",
		"Url: http://127.0.0.1:4566/health":                             "Url: http://127.0.0.1:4566/health",
		"Url: http://example.com/bucket/abc.template":                   "Url: http://example.com/bucket/abc.template",
	} {
		if got := forSAM(text, "r"); got != want {
			t.Errorf("%s became %s", text, got)
		}
	}
}
