package why

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// ecrImage takes the name of an image in ECR apart: account, region, repository, tag.
var ecrImage = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?`)

// shownTags is how many tags of a repository a cause lists.
const shownTags = 10

// images adds to the finding about a missing image what its repository has.
func (x *Explainer) images(tx *store.Tx, t *state.Task, f *Finding) {
	m := ecrImage.FindStringSubmatch(f.Where)
	if m == nil || m[1] != t.Account {
		return
	}
	account, region, name, tag := m[1], m[2], m[3], m[4]
	push := decision.Fix{Lang: "cli", Text: fmt.Sprintf("docker push %s", f.Where)}
	if _, ok := state.Repositories.Get(tx, state.Key(account, region, name)); !ok {
		f.Cause = fmt.Sprintf("there is no repository %s in %s", name, region)
		f.Fixes = []decision.Fix{{Lang: "cli", Text: fmt.Sprintf("aws ecr create-repository --region %s --repository-name %s\ndocker push %s", region, name, f.Where)}}
		return
	}
	var tags []string
	for i := range state.Images.All(tx, state.RepositoryItemKey(account, region, name, "")) {
		tags = append(tags, i.Tags...)
	}
	slices.Sort(tags)
	has := "no tags"
	switch {
	case len(tags) == 1:
		has = "the tag " + tags[0]
	case len(tags) > 1:
		has = "the tags " + strings.Join(tags[:min(len(tags), shownTags)], ", ")
		if more := len(tags) - shownTags; more > 0 {
			has += fmt.Sprintf(" and %d more", more)
		}
	}
	if tag != "" {
		f.Cause = fmt.Sprintf("the repository %s has no tag %s; it has %s", name, tag, has)
	}
	f.Fixes = []decision.Fix{push}
}
