package ec2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

func (w *world) prefixList(most int32, cidrs ...string) string {
	w.t.Helper()
	in := &ec2api.CreateManagedPrefixListRequest{PrefixListName: "offices", AddressFamily: "IPv4", MaxEntries: most}
	for _, c := range cidrs {
		in.Entries = append(in.Entries, ec2api.AddPrefixListEntry{Cidr: c, Description: "of " + c})
	}
	out := must(w.service.CreateManagedPrefixList(w.ctx, in)).PrefixList
	if out.State != "create-in-progress" || *out.Version != 1 || !strings.HasSuffix(out.PrefixListArn, ":000000000000:prefix-list/"+out.PrefixListId) {
		w.t.Errorf("created %+v", out)
	}
	return out.PrefixListId
}

func (w *world) listed(id string, version *int64) string {
	w.t.Helper()
	var all []string
	for _, e := range must(w.service.GetManagedPrefixListEntries(w.ctx, &ec2api.GetManagedPrefixListEntriesRequest{PrefixListId: id, TargetVersion: version})).Entries {
		all = append(all, e.Cidr+" "+e.Description)
	}
	return strings.Join(all, ", ")
}

func TestManagedPrefixList(t *testing.T) {
	w := newWorld(t)
	id := w.prefixList(3, "10.1.2.3/16", "10.0.0.0/24")
	describe := func() ec2api.ManagedPrefixList {
		return must(w.service.DescribeManagedPrefixLists(w.ctx, &ec2api.DescribeManagedPrefixListsRequest{PrefixListIds: []string{id}})).PrefixLists[0]
	}
	if l := describe(); l.State != "create-complete" || *l.MaxEntries != 3 || l.OwnerId != "000000000000" || w.listed(id, nil) != "10.0.0.0/24 of 10.0.0.0/24, 10.1.0.0/16 of 10.1.2.3/16" {
		t.Errorf("%+v: %s", l, w.listed(id, nil))
	}
	modify := func(in ec2api.ModifyManagedPrefixListRequest) error {
		in.PrefixListId = id
		_, err := w.service.ModifyManagedPrefixList(w.ctx, &in)
		return err
	}
	if err := modify(ec2api.ModifyManagedPrefixListRequest{CurrentVersion: ptr(int64(1)), RemoveEntries: []ec2api.RemovePrefixListEntry{{Cidr: "10.0.0.0/24"}}, AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "192.168.0.0/16"}}}); err != nil {
		t.Error(err)
	}
	if l := describe(); l.State != "modify-complete" || *l.Version != 2 || w.listed(id, nil) != "10.1.0.0/16 of 10.1.2.3/16, 192.168.0.0/16 " || !strings.HasPrefix(w.listed(id, ptr(int64(1))), "10.0.0.0/24") {
		t.Errorf("%+v: %s", l, w.listed(id, nil))
	}
	fails(t, modify(ec2api.ModifyManagedPrefixListRequest{CurrentVersion: ptr(int64(1)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "1.0.0.0/8"}}}), "PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
	fails(t, modify(ec2api.ModifyManagedPrefixListRequest{CurrentVersion: ptr(int64(2)), RemoveEntries: []ec2api.RemovePrefixListEntry{{Cidr: "1.0.0.0/8"}}}), "InvalidPrefixListModification", "does not exist.")
	fails(t, modify(ec2api.ModifyManagedPrefixListRequest{CurrentVersion: ptr(int64(2)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "1.0.0.0/8"}, {Cidr: "2.0.0.0/8"}}}), "PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list.")
	fails(t, modify(ec2api.ModifyManagedPrefixListRequest{CurrentVersion: ptr(int64(2)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "::/0"}}}), "InvalidParameterValue", "IPv4")
	fails(t, modify(ec2api.ModifyManagedPrefixListRequest{MaxEntries: ptr(int32(5)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "1.0.0.0/8"}}}), "InvalidParameterCombination", "in the same request.")
	must(w.service.RestoreManagedPrefixListVersion(w.ctx, &ec2api.RestoreManagedPrefixListVersionRequest{PrefixListId: id, PreviousVersion: 1, CurrentVersion: 2}))
	if l := describe(); l.State != "restore-complete" || *l.Version != 3 || w.listed(id, nil) != w.listed(id, ptr(int64(1))) {
		t.Errorf("%+v: %s", l, w.listed(id, nil))
	}
	if err := w.service.CreateTags(w.ctx, &ec2api.CreateTagsRequest{Resources: []string{id}, Tags: []ec2api.Tag{{Key: "a", Value: "b"}}}); err != nil || len(describe().Tags) != 1 {
		t.Errorf("tags: %v %+v", err, describe().Tags)
	}
	aws := must(w.service.DescribeManagedPrefixLists(w.ctx, &ec2api.DescribeManagedPrefixListsRequest{Filters: []ec2api.Filter{filter("owner-id", "AWS")}})).PrefixLists
	_, err := w.service.DeleteManagedPrefixList(w.ctx, &ec2api.DeleteManagedPrefixListRequest{PrefixListId: aws[0].PrefixListId})
	fails(t, err, "OperationNotPermitted", "managed by AWS")
	must(w.service.DeleteManagedPrefixList(w.ctx, &ec2api.DeleteManagedPrefixListRequest{PrefixListId: id}))
	_, err = w.service.GetManagedPrefixListEntries(w.ctx, &ec2api.GetManagedPrefixListEntriesRequest{PrefixListId: id})
	fails(t, err, "InvalidPrefixListID.NotFound", id)
}

// A list in a rule counts as many rules as it may have entries, stays while the
// rule names it, and its ranges are the data plane's.
func TestPrefixListInRules(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	group := w.group(vpc, "web")
	id := w.prefixList(59, "10.1.0.0/16")
	allow := func(port int32) error {
		_, err := w.service.AuthorizeSecurityGroupIngress(w.ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: group, IpPermissions: []ec2api.IpPermission{
			{IpProtocol: "tcp", FromPort: &port, ToPort: &port, PrefixListIds: []ec2api.PrefixListId{{PrefixListId: id}}},
		}})
		return err
	}
	if err := allow(80); err != nil {
		t.Fatal(err)
	}
	fails(t, allow(443), "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	must(w.service.ModifyManagedPrefixList(w.ctx, &ec2api.ModifyManagedPrefixListRequest{PrefixListId: id, MaxEntries: ptr(int32(61))}))
	l := must(w.service.DescribeManagedPrefixLists(w.ctx, &ec2api.DescribeManagedPrefixListsRequest{PrefixListIds: []string{id}})).PrefixLists[0]
	if l.State != "modify-failed" || !strings.Contains(l.StateMessage, group) || *l.MaxEntries != 59 {
		t.Errorf("%+v", l)
	}
	must(w.service.ModifyManagedPrefixList(w.ctx, &ec2api.ModifyManagedPrefixListRequest{PrefixListId: id, CurrentVersion: ptr(int64(1)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: "10.2.0.0/16"}}}))
	view, _ := w.service.VPCView(vpc)
	if got := fmt.Sprint(view.PrefixList(id)); got != "[10.1.0.0/16 10.2.0.0/16]" {
		t.Errorf("the data plane knows %s", got)
	}
	users := must(w.service.GetManagedPrefixListAssociations(w.ctx, &ec2api.GetManagedPrefixListAssociationsRequest{PrefixListId: id})).PrefixListAssociations
	if len(users) != 1 || users[0].ResourceId != group {
		t.Errorf("associations: %+v", users)
	}
	must(w.service.DeleteManagedPrefixList(w.ctx, &ec2api.DeleteManagedPrefixListRequest{PrefixListId: id}))
	l = must(w.service.DescribeManagedPrefixLists(w.ctx, &ec2api.DescribeManagedPrefixListsRequest{PrefixListIds: []string{id}})).PrefixLists[0]
	if l.State != "delete-failed" || !strings.Contains(l.StateMessage, group) {
		t.Errorf("%+v", l)
	}
}
