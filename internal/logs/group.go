package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateLogGroup makes an empty log group.
func (s *Service) CreateLogGroup(ctx context.Context, in *logsapi.CreateLogGroupRequest) error {
	switch {
	case strings.HasPrefix(strings.ToLower(in.LogGroupName), "aws/"):
		return invalid("Log groups starting with AWS/ are reserved for AWS.")
	case in.KmsKeyId != "":
		return invalid("kmsKeyId is not carried out by Neargate yet: events are kept under no key of your own.")
	case in.LogGroupClass != "" && in.LogGroupClass != logsapi.LogGroupClassStandard:
		return invalid("The log group class " + string(in.LogGroupClass) + " is not carried out by Neargate yet; only STANDARD is.")
	}
	tags, err := putTags(ctx, nil, in.Tags)
	if err != nil {
		return err
	}
	id := caller.From(ctx)
	g := &state.LogGroup{Account: id.Account, Region: id.Region, Name: in.LogGroupName, CreatedAt: s.now(),
		DeletionProtection: in.DeletionProtectionEnabled, Tags: tags}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if _, ok := state.LogGroups.Get(tx, g.Key()); ok {
			return &logsapi.ResourceAlreadyExistsException{Message: "The specified log group already exists"}
		}
		state.LogGroups.Put(tx, g)
		return nil
	})
}

// DeleteLogGroup deletes a log group with its streams and events.
func (s *Service) DeleteLogGroup(ctx context.Context, in *logsapi.DeleteLogGroupRequest) error {
	var gone []string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		g, err := s.group(ctx, tx, in.LogGroupName)
		if err != nil {
			return err
		}
		if g.DeletionProtection {
			return invalid("The log group " + g.Name + " cannot be deleted because deletion protection is enabled.")
		}
		gone = nil
		for st := range state.LogStreams.All(tx, state.LogStreamKey(g.Account, g.Region, g.Name, "")) {
			gone = append(gone, st.ID)
		}
		for _, st := range slices.Collect(state.LogStreams.All(tx, state.LogStreamKey(g.Account, g.Region, g.Name, ""))) {
			state.LogStreams.Delete(tx, st.Key())
		}
		state.LogGroups.Delete(tx, g.Key())
		return nil
	})
	return s.forget(gone, err)
}

// forget deletes the events of streams whose records are gone. If it cannot,
// the next start does.
func (s *Service) forget(ids []string, err error) error {
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.events.Delete(id); err != nil {
			return err
		}
	}
	return nil
}

// DescribeLogGroups lists log groups by name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *logsapi.DescribeLogGroupsRequest) (*logsapi.DescribeLogGroupsResponse, error) {
	id := caller.From(ctx)
	switch {
	case in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "":
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case in.IncludeLinkedAccounts || slices.ContainsFunc(in.AccountIdentifiers, func(a string) bool { return a != id.Account }):
		return nil, invalid("Log groups of other accounts are not carried out by Neargate yet.")
	}
	wanted := map[string]bool{}
	for _, identifier := range in.LogGroupIdentifiers {
		wanted[nameOf(identifier)] = true
	}
	page := newPager(in.NextToken, in.Limit)
	out := &logsapi.DescribeLogGroupsResponse{LogGroups: []logsapi.LogGroup{}}
	tx := s.db.Read()
	for g := range state.LogGroups.All(tx, state.Key(id.Account, id.Region, in.LogGroupNamePrefix)) {
		switch {
		case page.skip(g.Name),
			in.LogGroupNamePattern != "" && !strings.Contains(strings.ToLower(g.Name), strings.ToLower(in.LogGroupNamePattern)),
			len(wanted) > 0 && !wanted[g.Name],
			in.LogGroupClass != "" && in.LogGroupClass != logsapi.LogGroupClassStandard:
			continue
		}
		if !page.take(g.Name) {
			break
		}
		shape, err := s.describeGroup(tx, g)
		if err != nil {
			return nil, err
		}
		out.LogGroups = append(out.LogGroups, shape)
	}
	out.NextToken = page.next
	return out, nil
}

func (s *Service) describeGroup(tx *store.Tx, g *state.LogGroup) (logsapi.LogGroup, error) {
	out := logsapi.LogGroup{
		LogGroupName: g.Name, CreationTime: g.CreatedAt.UnixMilli(), Arn: g.ARN() + ":*", LogGroupArn: g.ARN(),
		LogGroupClass: logsapi.LogGroupClassStandard, DeletionProtectionEnabled: g.DeletionProtection,
	}
	if g.RetentionInDays > 0 {
		out.RetentionInDays = new(g.RetentionInDays)
	}
	for st := range state.LogStreams.All(tx, state.LogStreamKey(g.Account, g.Region, g.Name, "")) {
		info, err := s.events.Info(st.ID)
		if err != nil {
			return out, err
		}
		out.StoredBytes += info.Bytes
	}
	return out, nil
}

// retentions are the numbers of days that a retention policy may have.
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy says how long events are kept.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *logsapi.PutRetentionPolicyRequest) error {
	if !slices.Contains(retentions, *in.RetentionInDays) {
		return invalid("1 validation error detected: Value '" + itoa(int64(*in.RetentionInDays)) + "' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [" + retentionSet() + "]")
	}
	return s.updateGroup(ctx, in.LogGroupName, func(g *state.LogGroup) error {
		g.RetentionInDays = *in.RetentionInDays
		return nil
	})
}

// DeleteRetentionPolicy lets events never expire.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *logsapi.DeleteRetentionPolicyRequest) error {
	return s.updateGroup(ctx, in.LogGroupName, func(g *state.LogGroup) error {
		g.RetentionInDays = 0
		return nil
	})
}

// updateGroup changes a copy of the record of a group.
func (s *Service) updateGroup(ctx context.Context, name string, change func(*state.LogGroup) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		g, err := s.group(ctx, tx, name)
		if err != nil {
			return err
		}
		changed := *g
		if err := change(&changed); err != nil {
			return err
		}
		state.LogGroups.Put(tx, &changed)
		return nil
	})
}
