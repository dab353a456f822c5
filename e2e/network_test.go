package e2e

import (
	"strings"
	"testing"
)

// networkCommands looks at the second seed's network with the commands for it:
// they need real tasks with real packets.
func (a *account) networkCommands(task, stack string) {
	a.t.Helper()
	for _, look := range []struct {
		args []string
		code int
		want []string
		not  []string
	}{
		{[]string{"reach", task, "logs"}, 0, []string{"✓ dns", "by the private DNS of vpce-", "✓ ingress", "Probe     connected"}, []string{"✗", "Differ"}},
		{[]string{"reach", task, "kms"}, 6, []string{"✗ route", "Probe     timed out", "NO_ROUTE_TO_DESTINATION"}, []string{"Differ"}},
		{[]string{"reach", "internet", task + ":80"}, 6, []string{"has no public IP", "the internet (0.0.0.0/0)", "Because"}, nil},
		{[]string{"net", "who-can-reach", "service/sample-service:80"}, 0, []string{"✗ internet"}, []string{"✓"}},
		{[]string{"net", "map"}, 0, []string{"task " + task[:8], "endpoint ecr.dkr", "gateway endpoint s3", "isolated"}, nil},
		{[]string{"net", "map", "-o", "svg"}, 0, []string{"<svg ", "endpoint ecr.dkr", "</svg>"}, nil},
		{[]string{"unused", stack}, 0, []string{"ssm ", "ssmmessages", "secretsmanager"}, []string{"ecr.api", "ecr.dkr", "logs ", " s3 "}},
	} {
		r := a.neargate(look.args...)
		if r.code != look.code {
			a.t.Errorf("%s: exit %d\n%s", strings.Join(look.args, " "), r.code, r.out)
		}
		for _, want := range look.want {
			if !strings.Contains(r.out, want) {
				a.t.Errorf("%s says nothing of %q:\n%s", strings.Join(look.args, " "), want, r.out)
			}
		}
		for _, not := range look.not {
			if strings.Contains(r.out, not) {
				a.t.Errorf("%s tells of %q:\n%s", strings.Join(look.args, " "), not, r.out)
			}
		}
	}
}

// testReachabilityByAPI asks the same of EC2.
func testReachabilityByAPI(t *testing.T, a *account, eni string) {
	endpoint := a.aws("ec2", "describe-vpc-endpoints", "--filters", "Name=service-name,Values=com.amazonaws."+a.Region+".logs", "--query", "VpcEndpoints[0].VpcEndpointId", "--output", "text")
	path := a.aws("ec2", "create-network-insights-path", "--source", eni, "--destination", endpoint, "--protocol", "tcp", "--destination-port", "443", "--query", "NetworkInsightsPath.NetworkInsightsPathId", "--output", "text")
	analysis := a.aws("ec2", "start-network-insights-analysis", "--network-insights-path-id", path, "--query", "NetworkInsightsAnalysis.NetworkInsightsAnalysisId", "--output", "text")
	out := a.aws("ec2", "describe-network-insights-analyses", "--network-insights-analysis-ids", analysis, "--query", "NetworkInsightsAnalyses[0].[Status,NetworkPathFound,ForwardPathComponents[0].Component.Id]", "--output", "text")
	if strings.Join(strings.Fields(out), " ") != "succeeded True "+eni {
		t.Errorf("the analysis: %s", out)
	}
	a.aws("ec2", "delete-network-insights-analysis", "--network-insights-analysis-id", analysis)
	a.aws("ec2", "delete-network-insights-path", "--network-insights-path-id", path)
}
