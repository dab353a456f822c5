package caller

import "strings"

// The tools that Tool tells apart: fixes are shown in the language of the one
// that made a resource.
const (
	CloudFormation = "cloudformation" // also SAM and CDK, which deploy stacks
	Terraform      = "terraform"      // also OpenTofu and Pulumi's bridge
	CLI            = "cli"            // the aws command
	SDK            = "sdk"            // programs
)

// Tool is the client by which the request was made, as its User-Agent and the
// service that calls on the principal's behalf say; "" for Neargate itself.
func (id Identity) Tool() string {
	agent := strings.ToLower(id.UserAgent)
	switch {
	case strings.HasPrefix(id.ViaService, "cloudformation."):
		return CloudFormation
	case strings.Contains(agent, "terraform/"), strings.Contains(agent, "terraform-provider-aws"), strings.Contains(agent, "opentofu/"):
		return Terraform
	case strings.Contains(agent, "aws-cli/"):
		return CLI
	case id.UserAgent != "":
		return SDK
	}
	return ""
}
