package ssm

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// DeleteParameter deletes a parameter.
func (s *Service) DeleteParameter(ctx context.Context, in *ssmapi.DeleteParameterRequest) (*ssmapi.DeleteParameterResult, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.find(tx, caller.From(ctx), in.Name)
		if err != nil {
			return err
		}
		state.Parameters.Delete(tx, p.Key())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.DeleteParameterResult{}, nil
}

// DeleteParameters deletes those of the names that exist.
func (s *Service) DeleteParameters(ctx context.Context, in *ssmapi.DeleteParametersRequest) (*ssmapi.DeleteParametersResult, error) {
	var out *ssmapi.DeleteParametersResult
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		out = &ssmapi.DeleteParametersResult{DeletedParameters: []string{}, InvalidParameters: []string{}}
		for _, name := range in.Names {
			p, err := s.find(tx, caller.From(ctx), name)
			if err != nil {
				out.InvalidParameters = append(out.InvalidParameters, name)
				continue
			}
			state.Parameters.Delete(tx, p.Key())
			out.DeletedParameters = append(out.DeletedParameters, name)
		}
		return nil
	})
	return out, err
}
