package ssm

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
)

// DescribeParameters lists parameters without their values.
func (s *Service) DescribeParameters(ctx context.Context, in *ssmapi.DescribeParametersRequest) (*ssmapi.DescribeParametersResult, error) {
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	if wire.Or(in.Shared, false) {
		return nil, invalid("Shared parameters are not carried out by Neargate yet.")
	}
	filters := slices.Clone(in.ParameterFilters)
	for _, f := range in.Filters {
		filters = append(filters, ssmapi.ParameterStringFilter{Key: string(f.Key), Option: "BeginsWith", Values: f.Values})
	}
	if err := checkFilters(in.ParameterFilters, describeKeys); err != nil {
		return nil, err
	}
	out := &ssmapi.DescribeParametersResult{Parameters: []ssmapi.ParameterMetadata{}}
	limit := int(wire.Or(in.MaxResults, 50))
	for p := range s.all(ctx, "", in.NextToken) {
		_, ok, err := filterVersion(p, filters)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if len(out.Parameters) == limit {
			out.NextToken = out.Parameters[limit-1].Name
			break
		}
		v := p.Current()
		out.Parameters = append(out.Parameters, ssmapi.ParameterMetadata{
			Name: p.Name, ARN: p.ARN(), Type: ssmapi.ParameterType(p.Type), KeyId: v.KeyID, LastModifiedDate: v.ModifiedAt, LastModifiedUser: v.ModifiedBy,
			Description: v.Description, AllowedPattern: v.AllowedPattern, Version: v.Version, Tier: ssmapi.ParameterTier(v.Tier),
			Policies: []ssmapi.ParameterInlinePolicy{}, DataType: "text",
		})
	}
	return out, nil
}
