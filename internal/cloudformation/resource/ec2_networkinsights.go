package resource

import (
	"context"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// insightsPath is AWS::EC2::NetworkInsightsPath.
type insightsPath struct{}

var insightsPathSchema = &Schema{
	Type: "AWS::EC2::NetworkInsightsPath",
	Properties: Properties{
		"Source": String.Required().Replaces(), "Destination": String.Replaces(), "Protocol": String.Required().Replaces(),
		"SourceIp": String.Replaces(), "DestinationIp": String.Replaces(), "DestinationPort": Integer.Replaces(),
		"FilterAtSource":      Shape[ec2api.PathRequestFilter]().Replaces(),
		"FilterAtDestination": Shape[ec2api.PathRequestFilter]().Replaces(),
		"Tags":                Tags,
	},
	Attributes: []string{"NetworkInsightsPathId", "NetworkInsightsPathArn", "CreatedDate", "SourceArn", "DestinationArn"},
}

// Schema is the type's schema.
func (insightsPath) Schema() *Schema { return insightsPathSchema }

// Create makes the path. The token makes a repeated attempt find it.
func (insightsPath) Create(ctx context.Context, r *Request) (Result, error) {
	in := &ec2api.CreateNetworkInsightsPathRequest{ClientToken: r.Token, TagSpecifications: r.ec2Tags("network-insights-path")}
	if err := bind(r.Properties, in, "Tags"); err != nil {
		return Result{}, err
	}
	out, err := r.ec2().CreateNetworkInsightsPath(ctx, in)
	if err != nil {
		return Result{}, err
	}
	return insightsPathResult(out.NetworkInsightsPath), r.Created(out.NetworkInsightsPath.NetworkInsightsPathId)
}

func insightsPathResult(p *ec2api.NetworkInsightsPath) Result {
	return Result{PhysicalID: p.NetworkInsightsPathId, Attributes: attributes(
		"NetworkInsightsPathId", p.NetworkInsightsPathId, "NetworkInsightsPathArn", p.NetworkInsightsPathArn,
		"CreatedDate", p.CreatedDate.Format(time.RFC3339), "SourceArn", p.SourceArn, "DestinationArn", p.DestinationArn)}
}

// Update changes tags.
func (insightsPath) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	out, err := r.ec2().DescribeNetworkInsightsPaths(ctx, &ec2api.DescribeNetworkInsightsPathsRequest{NetworkInsightsPathIds: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	return insightsPathResult(&out.NetworkInsightsPaths[0]), nil
}

// Delete deletes the path.
func (insightsPath) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteNetworkInsightsPath(ctx, &ec2api.DeleteNetworkInsightsPathRequest{NetworkInsightsPathId: r.PhysicalID})
	return gone(err, "InvalidNetworkInsightsPathId.NotFound")
}

// insightsAnalysis is AWS::EC2::NetworkInsightsAnalysis.
type insightsAnalysis struct{}

var insightsAnalysisSchema = &Schema{
	Type: "AWS::EC2::NetworkInsightsAnalysis",
	Properties: Properties{
		"NetworkInsightsPathId": String.Required().Replaces(), "FilterInArns": Strings.Replaces(), "FilterOutArns": Strings.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"NetworkInsightsAnalysisId", "NetworkInsightsAnalysisArn", "NetworkPathFound", "StartDate", "Status"},
}

// Schema is the type's schema.
func (insightsAnalysis) Schema() *Schema { return insightsAnalysisSchema }

// Create starts the analysis, which is done at once. That nothing was found is
// no failure, as on AWS.
func (insightsAnalysis) Create(ctx context.Context, r *Request) (Result, error) {
	in := &ec2api.StartNetworkInsightsAnalysisRequest{ClientToken: r.Token, TagSpecifications: r.ec2Tags("network-insights-analysis")}
	if err := bind(r.Properties, in, "Tags"); err != nil {
		return Result{}, err
	}
	out, err := r.ec2().StartNetworkInsightsAnalysis(ctx, in)
	if err != nil {
		return Result{}, err
	}
	return insightsAnalysisResult(out.NetworkInsightsAnalysis), r.Created(out.NetworkInsightsAnalysis.NetworkInsightsAnalysisId)
}

func insightsAnalysisResult(a *ec2api.NetworkInsightsAnalysis) Result {
	return Result{PhysicalID: a.NetworkInsightsAnalysisId, Attributes: attributes(
		"NetworkInsightsAnalysisId", a.NetworkInsightsAnalysisId, "NetworkInsightsAnalysisArn", a.NetworkInsightsAnalysisArn,
		"NetworkPathFound", strconv.FormatBool(*a.NetworkPathFound), "StartDate", a.StartDate.Format(time.RFC3339), "Status", string(a.Status))}
}

// Update changes tags.
func (insightsAnalysis) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	out, err := r.ec2().DescribeNetworkInsightsAnalyses(ctx, &ec2api.DescribeNetworkInsightsAnalysesRequest{NetworkInsightsAnalysisIds: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	return insightsAnalysisResult(&out.NetworkInsightsAnalyses[0]), nil
}

// Delete deletes the analysis.
func (insightsAnalysis) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteNetworkInsightsAnalysis(ctx, &ec2api.DeleteNetworkInsightsAnalysisRequest{NetworkInsightsAnalysisId: r.PhysicalID})
	return gone(err, "InvalidNetworkInsightsAnalysisId.NotFound")
}
