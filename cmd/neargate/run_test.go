package main

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

func TestCommandsAskTheInstancesResolver(t *testing.T) {
	got := string(resolverConfig([]byte("# by hand\nsearch corp.example\nnameserver 10.0.0.1\n nameserver 10.0.0.2\noptions ndots:2\n"), "127.90.1.2"))
	if want := "nameserver 127.90.1.2\n# by hand\nsearch corp.example\noptions ndots:2\n"; got != want {
		t.Errorf("resolv.conf %q, want %q", got, want)
	}
	got = string(lookupOrder([]byte("passwd: files\nhosts:  files mymachines resolve [!UNAVAIL=return] dns\nnetworks: files\n")))
	if want := "passwd: files\nhosts: files dns\nnetworks: files\n"; got != want {
		t.Errorf("nsswitch.conf %q, want %q", got, want)
	}
}

func TestCommandsHaveNoOtherEndpointsKeysOrProxies(t *testing.T) {
	r := &remote{Client: &client.Client{Endpoint: "http://127.0.0.1:1", Region: "eu-west-1", Key: sigv4.Credentials{AccessKeyID: "LKIA1", SecretAccessKey: "s"}}}
	got := commandEnv([]string{"HOME=/root", "AWS_ENDPOINT_URL_S3=http://elsewhere", "AWS_PROFILE=prod", "AWS_SESSION_TOKEN=real", "AWS_ACCESS_KEY_ID=AKIAREAL", "NO_PROXY=localhost", "HTTPS_PROXY=http://proxy:3128"}, r, "/ca.pem")
	for _, want := range []string{"HOME=/root", "AWS_ACCESS_KEY_ID=LKIA1", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-west-1", "AWS_CA_BUNDLE=/ca.pem", "HTTPS_PROXY=http://proxy:3128", "NO_PROXY=localhost,amazonaws.com,api.aws", "no_proxy=amazonaws.com,api.aws"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DISABLE_HOST_PREFIX_INJECTION"} {
		if value := valueOf(got, name); value != "" {
			t.Errorf("%s=%s is left", name, value)
		}
	}
}
