package resource

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// prefixList is AWS::EC2::PrefixList.
type prefixList struct{}

var prefixListSchema = &Schema{
	Type: "AWS::EC2::PrefixList",
	Properties: Properties{
		"PrefixListName": String.Required(), "AddressFamily": String.Required().Replaces(), "MaxEntries": Integer,
		"Entries": ListOf(Object(Properties{"Cidr": String.Required(), "Description": String})), "Tags": Tags,
	},
	Attributes: []string{"PrefixListId", "OwnerId", "Version", "Arn"},
}

// Schema is the type's schema.
func (prefixList) Schema() *Schema { return prefixListSchema }

// Create makes the list with its entries.
func (prefixList) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeManagedPrefixLists(ctx, &ec2api.DescribeManagedPrefixListsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, l := range out.PrefixLists {
			ids = append(ids, l.PrefixListId)
		}
		return ids, nil
	}, func() (string, error) {
		in := &ec2api.CreateManagedPrefixListRequest{
			PrefixListName: r.Text("PrefixListName"), AddressFamily: r.Text("AddressFamily"), MaxEntries: r.maxEntries(), TagSpecifications: r.ec2Tags("prefix-list"),
		}
		for _, e := range items(r.Properties.Get("Entries")) {
			in.Entries = append(in.Entries, ec2api.AddPrefixListEntry{Cidr: e.Get("Cidr").Str(), Description: e.Get("Description").Str()})
		}
		out, err := r.ec2().CreateManagedPrefixList(ctx, in)
		if err != nil {
			return "", err
		}
		return out.PrefixList.PrefixListId, nil
	})
	if err != nil {
		return Result{}, err
	}
	return r.prefixListResult(ctx, id)
}

// maxEntries is the size that the template says, or that its entries need.
func (r *Request) maxEntries() int32 {
	if n, err := strconv.ParseInt(r.Text("MaxEntries"), 10, 32); err == nil {
		return int32(n)
	}
	return max(1, int32(len(items(r.Properties.Get("Entries")))))
}

// Update changes name, size, entries and tags. A list that grows does so before
// entries come, one that shrinks after entries went.
func (prefixList) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	now, err := r.findPrefixList(ctx, r.PhysicalID)
	if err != nil {
		return Result{}, err
	}
	resize := func() error {
		return r.modifyList(ctx, &ec2api.ModifyManagedPrefixListRequest{PrefixListName: r.Text("PrefixListName"), MaxEntries: new(r.maxEntries())})
	}
	grows := r.maxEntries() >= wire.Or(now.MaxEntries, 0)
	if grows {
		if err := resize(); err != nil {
			return Result{}, err
		}
	}
	if err := r.changeEntries(ctx, now.Version); err != nil {
		return Result{}, err
	}
	if !grows {
		if err := resize(); err != nil {
			return Result{}, err
		}
	}
	return r.prefixListResult(ctx, r.PhysicalID)
}

// changeEntries brings the entries to those that are wanted.
func (r *Request) changeEntries(ctx context.Context, version *int64) error {
	have := map[string]string{}
	in := &ec2api.GetManagedPrefixListEntriesRequest{PrefixListId: r.PhysicalID}
	for {
		out, err := r.ec2().GetManagedPrefixListEntries(ctx, in)
		if err != nil {
			return err
		}
		for _, e := range out.Entries {
			have[e.Cidr] = e.Description
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	change := &ec2api.ModifyManagedPrefixListRequest{CurrentVersion: version}
	for _, e := range items(r.Properties.Get("Entries")) {
		cidr, description := e.Get("Cidr").Str(), e.Get("Description").Str()
		if old, ok := have[cidr]; !ok || old != description {
			change.AddEntries = append(change.AddEntries, ec2api.AddPrefixListEntry{Cidr: cidr, Description: description})
		}
		delete(have, cidr)
	}
	for cidr := range have {
		change.RemoveEntries = append(change.RemoveEntries, ec2api.RemovePrefixListEntry{Cidr: cidr})
	}
	if len(change.AddEntries) == 0 && len(change.RemoveEntries) == 0 {
		return nil
	}
	return r.modifyList(ctx, change)
}

// modifyList changes the list and fails when EC2 says afterwards that it could not.
func (r *Request) modifyList(ctx context.Context, in *ec2api.ModifyManagedPrefixListRequest) error {
	in.PrefixListId = r.PhysicalID
	if _, err := r.ec2().ModifyManagedPrefixList(ctx, in); err != nil {
		return err
	}
	now, err := r.findPrefixList(ctx, r.PhysicalID)
	if err == nil && now.State == "modify-failed" {
		return &Failure{Code: "NotStabilized", Message: now.StateMessage}
	}
	return err
}

// Delete deletes the list.
func (prefixList) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteManagedPrefixList(ctx, &ec2api.DeleteManagedPrefixListRequest{PrefixListId: r.PhysicalID})
	if err != nil {
		return gone(err, "InvalidPrefixListID.NotFound")
	}
	now, err := r.findPrefixList(ctx, r.PhysicalID)
	if err == nil && now.State == "delete-failed" {
		return &Failure{Code: "NotStabilized", Message: now.StateMessage}
	}
	return gone(err, "InvalidPrefixListID.NotFound")
}

func (r *Request) findPrefixList(ctx context.Context, id string) (ec2api.ManagedPrefixList, error) {
	out, err := r.ec2().DescribeManagedPrefixLists(ctx, &ec2api.DescribeManagedPrefixListsRequest{PrefixListIds: []string{id}})
	if err != nil {
		return ec2api.ManagedPrefixList{}, err
	}
	return out.PrefixLists[0], nil
}

func (r *Request) prefixListResult(ctx context.Context, id string) (Result, error) {
	now, err := r.findPrefixList(ctx, id)
	if err != nil {
		return Result{}, err
	}
	attrs := map[string]*template.Value{}
	addText(attrs, "PrefixListId", id, "OwnerId", now.OwnerId, "Arn", now.PrefixListArn, "Version", strconv.FormatInt(wire.Or(now.Version, 0), 10))
	return Result{PhysicalID: id, Attributes: attrs}, nil
}
