package ec2

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var insightsAnalysisResource = resource[state.NetworkInsightsAnalysis]{
	table: state.NetworkInsightsAnalyses, kind: kindInsightsAnalysis, least: 1,
	id:   func(a *state.NetworkInsightsAnalysis) string { return a.ID },
	tags: func(a *state.NetworkInsightsAnalysis) []state.Tag { return a.Tags },
	fields: fields[state.NetworkInsightsAnalysis]{
		"path-found": func(_ *scope, a *state.NetworkInsightsAnalysis) []string { return yes(a.Found) },
		"status":     func(*scope, *state.NetworkInsightsAnalysis) []string { return one(analysisSucceeded) },
	},
}

// analysisSucceeded is the status of every analysis: it is done at once.
const analysisSucceeded = "succeeded"

// StartNetworkInsightsAnalysis follows the packets of a path through the network
// as it is now. It is done when the call returns; nothing is sent.
func (s *Service) StartNetworkInsightsAnalysis(ctx context.Context, in *ec2api.StartNetworkInsightsAnalysisRequest) (*ec2api.StartNetworkInsightsAnalysisResult, error) {
	if err := unsupported(in, "NetworkInsightsPathId", "FilterInArns", "FilterOutArns", "TagSpecifications", "ClientToken"); err != nil {
		return nil, err
	}
	var out ec2api.StartNetworkInsightsAnalysisResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		path, err := get(q, state.NetworkInsightsPaths, kindInsightsPath, in.NetworkInsightsPathId)
		if err != nil {
			return err
		}
		for a := range state.NetworkInsightsAnalyses.By(q.tx, "path", path.Key()) {
			if a.ClientToken == in.ClientToken {
				out.NetworkInsightsAnalysis, err = insightsAnalysisOut(a)
				return err
			}
		}
		if err := oneMore(quotaAnalyses, state.NetworkInsightsAnalyses.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "network-insights-analysis")
		if err != nil {
			return err
		}
		a := &state.NetworkInsightsAnalysis{
			Account: q.account, Region: q.region, ID: ids.New("nia"), PathID: path.ID, FilterIn: slices.Clone(in.FilterInArns), FilterOut: slices.Clone(in.FilterOutArns),
			ClientToken: in.ClientToken, StartedAt: q.now, Tags: tags,
		}
		result := s.analyse(q, path, a)
		a.Found = result.found
		if a.Result, err = json.Marshal(result.insights); err != nil {
			return err
		}
		state.NetworkInsightsAnalyses.Put(q.tx, a)
		out.NetworkInsightsAnalysis, err = insightsAnalysisOut(a)
		return err
	})
	return &out, err
}

func insightsAnalysisOut(a *state.NetworkInsightsAnalysis) (*ec2api.NetworkInsightsAnalysis, error) {
	var i insights
	if err := json.Unmarshal(a.Result, &i); err != nil {
		return nil, err
	}
	found := a.Found
	return &ec2api.NetworkInsightsAnalysis{
		NetworkInsightsAnalysisId: a.ID, NetworkInsightsAnalysisArn: resourceARN(a.Account, a.Region, "network-insights-analysis", a.ID),
		NetworkInsightsPathId: a.PathID, FilterInArns: a.FilterIn, FilterOutArns: a.FilterOut, StartDate: a.StartedAt, Status: analysisSucceeded,
		NetworkPathFound: &found, ForwardPathComponents: i.Forward, ReturnPathComponents: i.Return, Explanations: i.Explanations, Tags: apiTags(a.Tags),
	}, nil
}

// DescribeNetworkInsightsAnalyses lists analyses, those of one path when it is named.
func (s *Service) DescribeNetworkInsightsAnalyses(ctx context.Context, in *ec2api.DescribeNetworkInsightsAnalysesRequest) (*ec2api.DescribeNetworkInsightsAnalysesResult, error) {
	var out ec2api.DescribeNetworkInsightsAnalysesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		ask := query{in.NetworkInsightsAnalysisIds, "networkInsightsAnalysisIds", in.Filters, in.MaxResults, in.NextToken}
		all := state.NetworkInsightsAnalyses.All(q.tx, q.prefix())
		if len(ask.ids) > 0 {
			named, err := find(q, insightsAnalysisResource, ask.ids)
			if err != nil {
				return err
			}
			all = slices.Values(named)
		}
		if in.NetworkInsightsPathId != "" {
			if _, err := get(q, state.NetworkInsightsPaths, kindInsightsPath, in.NetworkInsightsPathId); err != nil {
				return err
			}
		}
		wanted := func(yield func(*state.NetworkInsightsAnalysis) bool) {
			for a := range all {
				within := (in.AnalysisStartTime.IsZero() || !a.StartedAt.Before(in.AnalysisStartTime)) && (in.AnalysisEndTime.IsZero() || !a.StartedAt.After(in.AnalysisEndTime))
				if within && (in.NetworkInsightsPathId == "" || a.PathID == in.NetworkInsightsPathId) && !yield(a) {
					return
				}
			}
		}
		found, next, err := page(q, wanted, insightsAnalysisResource, ask)
		if err != nil {
			return err
		}
		out.NextToken, out.NetworkInsightsAnalyses = next, []ec2api.NetworkInsightsAnalysis{}
		for _, a := range found {
			one, err := insightsAnalysisOut(a)
			if err != nil {
				return err
			}
			out.NetworkInsightsAnalyses = append(out.NetworkInsightsAnalyses, *one)
		}
		return nil
	})
	return &out, err
}

// DeleteNetworkInsightsAnalysis deletes an analysis.
func (s *Service) DeleteNetworkInsightsAnalysis(ctx context.Context, in *ec2api.DeleteNetworkInsightsAnalysisRequest) (*ec2api.DeleteNetworkInsightsAnalysisResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		a, err := get(q, state.NetworkInsightsAnalyses, kindInsightsAnalysis, in.NetworkInsightsAnalysisId)
		if err == nil {
			state.NetworkInsightsAnalyses.Delete(q.tx, a.Key())
		}
		return err
	})
	return &ec2api.DeleteNetworkInsightsAnalysisResult{NetworkInsightsAnalysisId: in.NetworkInsightsAnalysisId}, err
}
