package ecr

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// lifecyclePolicy is a repository's lifecycle policy.
type lifecyclePolicy struct {
	Rules []lifecycleRule `json:"rules"`
}

type lifecycleRule struct {
	RulePriority int    `json:"rulePriority"`
	Description  string `json:"description"`
	Selection    struct {
		TagStatus      string   `json:"tagStatus"`
		TagPrefixList  []string `json:"tagPrefixList"`
		TagPatternList []string `json:"tagPatternList"`
		CountType      string   `json:"countType"`
		CountUnit      string   `json:"countUnit"`
		CountNumber    int      `json:"countNumber"`
	} `json:"selection"`
	Action struct {
		Type string `json:"type"`
	} `json:"action"`
}

// parseLifecycle reads a policy; what is wrong or not carried out is an error.
// The rules come back in the order of their priority.
func parseLifecycle(text string) (*lifecyclePolicy, error) {
	var p lifecyclePolicy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("Lifecycle policy is not valid JSON")
	}
	if len(p.Rules) == 0 || len(p.Rules) > 50 {
		return nil, fmt.Errorf("a lifecycle policy has 1 to 50 rules")
	}
	seen := map[int]bool{}
	for _, r := range p.Rules {
		if r.RulePriority < 1 || seen[r.RulePriority] {
			return nil, fmt.Errorf("rulePriority %d is not a positive number, or is there twice", r.RulePriority)
		}
		seen[r.RulePriority] = true
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", r.RulePriority, err)
		}
	}
	slices.SortFunc(p.Rules, func(a, b lifecycleRule) int { return a.RulePriority - b.RulePriority })
	return &p, nil
}

func (r *lifecycleRule) check() error {
	sel := r.Selection
	hasTags := len(sel.TagPrefixList)+len(sel.TagPatternList) > 0
	switch {
	case r.Action.Type != "expire":
		return fmt.Errorf("action type '%s' is not carried out, only 'expire'", r.Action.Type)
	case sel.TagStatus != "tagged" && sel.TagStatus != "untagged" && sel.TagStatus != "any":
		return fmt.Errorf("tagStatus '%s' is not one of tagged, untagged, any", sel.TagStatus)
	case (sel.TagStatus == "tagged") != hasTags:
		return fmt.Errorf("tagPrefixList or tagPatternList is required for, and only for, tagStatus 'tagged'")
	case len(sel.TagPrefixList) > 0 && len(sel.TagPatternList) > 0:
		return fmt.Errorf("tagPrefixList and tagPatternList exclude each other")
	case sel.CountNumber < 1:
		return fmt.Errorf("countNumber must be positive")
	case sel.CountType == "imageCountMoreThan" && sel.CountUnit != "":
		return fmt.Errorf("countUnit is for countType 'sinceImagePushed' only")
	case sel.CountType == "sinceImagePushed" && sel.CountUnit != "days":
		return fmt.Errorf("countUnit must be 'days'")
	case sel.CountType != "imageCountMoreThan" && sel.CountType != "sinceImagePushed":
		return fmt.Errorf("countType '%s' is not carried out", sel.CountType)
	}
	return nil
}

// matches says whether the rule is about an image: one that has, for each
// prefix or pattern of the rule, a tag that fits.
func (r *lifecycleRule) matches(image *state.Image) bool {
	switch r.Selection.TagStatus {
	case "untagged":
		return len(image.Tags) == 0
	case "any":
		return true
	}
	patterns := slices.Clone(r.Selection.TagPatternList)
	for _, prefix := range r.Selection.TagPrefixList {
		patterns = append(patterns, prefix+"*")
	}
	for _, pattern := range patterns {
		if !slices.ContainsFunc(image.Tags, func(tag string) bool { return matches(pattern, tag) }) {
			return false
		}
	}
	return true
}

// expired lists the images that the policy removes now. An image that a rule of
// higher priority is about is not looked at by later ones. Images that an index
// refers to stay while it is there.
func (p *lifecyclePolicy) expired(images []*state.Image, now time.Time) []*state.Image {
	inIndex := map[string]bool{}
	for _, image := range images {
		if image.IsIndex {
			for _, d := range image.References {
				inIndex[d] = true
			}
		}
	}
	left := slices.DeleteFunc(slices.Clone(images), func(i *state.Image) bool { return inIndex[i.Digest] })
	slices.SortStableFunc(left, func(a, b *state.Image) int { return b.PushedAt.Compare(a.PushedAt) }) // newest first

	var out []*state.Image
	for _, rule := range p.Rules {
		var mine, others []*state.Image
		for _, image := range left {
			if rule.matches(image) {
				mine = append(mine, image)
			} else {
				others = append(others, image)
			}
		}
		left = others
		for n, image := range mine {
			old := now.Sub(image.PushedAt) > time.Duration(rule.Selection.CountNumber)*24*time.Hour
			if rule.Selection.CountType == "imageCountMoreThan" && n >= rule.Selection.CountNumber || rule.Selection.CountType == "sinceImagePushed" && old {
				out = append(out, image)
			}
		}
	}
	return out
}
