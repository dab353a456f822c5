package resource

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// The tags by which a resource without a name is found again.
const (
	tagStackID   = "aws:cloudformation:stack-id"
	tagStackName = "aws:cloudformation:stack-name"
	tagLogicalID = "aws:cloudformation:logical-id"
)

// own are the tags that CloudFormation puts on what it makes. EC2's resources
// are found again by them; the other services keep such keys to themselves.
func (r *Request) own() []state.Tag {
	return []state.Tag{{Key: tagStackID, Value: r.StackID}, {Key: tagStackName, Value: r.StackName}, {Key: tagLogicalID, Value: r.LogicalID}}
}

// allTags merges the stack's tags with those of the resource, which win.
func (r *Request) allTags(own *template.Value) []state.Tag { return mergeTags(r.Tags, own) }

func mergeTags(stack []state.Tag, own *template.Value) []state.Tag {
	tags := slices.Clone(stack)
	if own == nil {
		return tags
	}
	for _, item := range own.Items {
		t := state.Tag{Key: item.Get("Key").Str(), Value: item.Get("Value").Str()}
		if at := slices.IndexFunc(tags, func(o state.Tag) bool { return o.Key == t.Key }); at >= 0 {
			tags[at] = t
		} else {
			tags = append(tags, t)
		}
	}
	return tags
}

// tagChange returns which tags an update sets and which keys it removes.
func (r *Request) tagChange() (set []state.Tag, removed []string) { return r.tagChangeOf("Tags") }

// tagChangeOf is tagChange of a type whose tags have another name.
func (r *Request) tagChangeOf(property string) (set []state.Tag, removed []string) {
	old, wanted := mergeTags(r.PreviousTags, r.Previous.Get(property)), r.allTags(r.Properties.Get(property))
	for _, t := range wanted {
		if !slices.Contains(old, t) {
			set = append(set, t)
		}
	}
	for _, t := range old {
		if !slices.ContainsFunc(wanted, func(w state.Tag) bool { return w.Key == t.Key }) {
			removed = append(removed, t.Key)
		}
	}
	return set, removed
}

func (r *Request) ec2() ec2api.API { return ec2api.NewClient(r.Invoker) }

// ec2Tags is the TagSpecification of a creation.
func (r *Request) ec2Tags(kind ec2api.ResourceType) []ec2api.TagSpecification {
	var tags []ec2api.Tag
	for _, t := range append(r.own(), r.allTags(r.Properties.Get("Tags"))...) {
		tags = append(tags, ec2api.Tag{Key: t.Key, Value: t.Value})
	}
	return []ec2api.TagSpecification{{ResourceType: kind, Tags: tags}}
}

// ec2Retag brings the tags of a resource up to date.
func (r *Request) ec2Retag(ctx context.Context) error {
	set, removed := r.tagChange()
	if set != nil {
		in := &ec2api.CreateTagsRequest{Resources: []string{r.PhysicalID}}
		for _, t := range set {
			in.Tags = append(in.Tags, ec2api.Tag{Key: t.Key, Value: t.Value})
		}
		if err := r.ec2().CreateTags(ctx, in); err != nil {
			return err
		}
	}
	if removed == nil {
		return nil
	}
	in := &ec2api.DeleteTagsRequest{Resources: []string{r.PhysicalID}}
	for _, key := range removed {
		in.Tags = append(in.Tags, ec2api.Tag{Key: key})
	}
	return r.ec2().DeleteTags(ctx, in)
}

// mine are the filters that find what an earlier attempt made.
func (r *Request) mine() []ec2api.Filter {
	return []ec2api.Filter{
		{Name: "tag:" + tagStackID, Values: []string{r.StackID}},
		{Name: "tag:" + tagLogicalID, Values: []string{r.LogicalID}},
	}
}

// once makes an EC2 resource that has no name: it returns the one that is
// recorded, or that an earlier attempt made, or else makes it.
func (r *Request) once(find func([]ec2api.Filter) ([]string, error), create func() (string, error)) (string, error) {
	if r.PhysicalID != "" {
		return r.PhysicalID, nil
	}
	if r.Retry {
		ids, err := find(r.mine())
		if err != nil {
			return "", err
		}
		for _, id := range ids {
			if id != r.Replaces {
				return id, r.Created(id)
			}
		}
	}
	id, err := create()
	if err != nil {
		return "", err
	}
	return id, r.Created(id)
}
