package ssm

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/envelope"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service is Parameter Store. Its methods are the generated API.
type Service struct {
	db   *store.DB
	keys *envelope.Keys
	now  func() time.Time
}

var _ ssmapi.API = (*Service)(nil)

// New returns the service. KMS is called by invoker; now is time.Now but in tests.
func New(db *store.DB, invoker wire.Invoker, now func() time.Time) *Service {
	return &Service{db: db, keys: envelope.New(kmsapi.NewClient(invoker), "ssm.amazonaws.com"), now: now}
}

func invalid(message string) error { return wire.NewError("ValidationException", 400, "%s", message) }

// key is the key of the parameter of a name or ARN.
func key(id caller.Identity, name string) string {
	a, err := arn.Parse(name)
	if err != nil {
		return state.Key(id.Account, id.Region, name)
	}
	return state.Key(a.Account, a.Region, nameInARN(a))
}

// nameInARN is the name that an ARN stands for: a path gets its slash back.
func nameInARN(a arn.ARN) string {
	name := strings.TrimPrefix(a.Resource, "parameter/")
	if strings.Contains(name, "/") {
		return "/" + name
	}
	return name
}

// find returns a parameter by name or ARN.
func (s *Service) find(tx *store.Tx, id caller.Identity, name string) (*state.Parameter, error) {
	if err := checkPublic(name); err != nil {
		return nil, err
	}
	p, ok := state.Parameters.Get(tx, key(id, name))
	if !ok && arn.Is(name) { // "/name" has the same ARN as "name"
		account, region, bare := state.SplitKey(key(id, name))
		p, ok = state.Parameters.Get(tx, state.Key(account, region, "/"+bare))
	}
	if !ok {
		return nil, &ssmapi.ParameterNotFound{}
	}
	return p, nil
}

// selected finds the version that a name with a selector means: NAME,
// NAME:VERSION or NAME:LABEL.
func (s *Service) selected(tx *store.Tx, id caller.Identity, name string) (p *state.Parameter, v *state.ParameterVersion, selector string, err error) {
	bare := name
	colon := strings.LastIndexByte(name, ':')
	if colon >= 0 && (!arn.Is(name) || strings.Count(name, ":") > 5) {
		bare, selector = name[:colon], name[colon:]
	}
	if p, err = s.find(tx, id, bare); err != nil {
		return nil, nil, "", err
	}
	if selector == "" {
		return p, p.Current(), "", nil
	}
	for i := range p.Versions {
		v := &p.Versions[i]
		if matchesSelector(v, selector[1:]) {
			return p, v, selector, nil
		}
	}
	if isNumber(selector[1:]) {
		return nil, nil, "", &ssmapi.ParameterVersionNotFound{Message: "Systems Manager could not find version " + selector[1:] + " of " + bare + ". Verify the version and try again."}
	}
	return nil, nil, "", &ssmapi.ParameterVersionNotFound{Message: "Systems Manager could not find label " + selector[1:] + " of " + bare + ". Verify the label and try again."}
}

// update changes a copy of a parameter's record.
func (s *Service) update(ctx context.Context, name string, change func(*state.Parameter) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.find(tx, caller.From(ctx), name)
		if err != nil {
			return err
		}
		changed := *p
		changed.Versions = append([]state.ParameterVersion(nil), p.Versions...)
		if err := change(&changed); err != nil {
			return err
		}
		state.Parameters.Put(tx, &changed)
		return nil
	})
}
