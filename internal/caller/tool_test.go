package caller_test

import (
	"testing"

	"github.com/neargate/neargate/internal/caller"
)

func TestTool(t *testing.T) {
	for _, c := range []struct{ agent, via, want string }{
		{"APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0 aws-sdk-go-v2/1.36.5", "", caller.Terraform},
		{"aws-cli/1.45.0 md/Botocore#1.43.11 md/awscrt#0.28 ua/2.1 os/linux", "", caller.CLI},
		{"Boto3/1.43.11 md/Botocore#1.43.11", "", caller.SDK},
		{"aws-sam-cli/1.148.0", "cloudformation.amazonaws.com", caller.CloudFormation},
		{"", "", ""},
	} {
		if got := (caller.Identity{UserAgent: c.agent, ViaService: c.via}).Tool(); got != c.want {
			t.Errorf("%q via %q is %q, want %q", c.agent, c.via, got, c.want)
		}
	}
}
