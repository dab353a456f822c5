package state

import (
	"slices"
	"testing"
)

func TestTags(t *testing.T) {
	have := []Tag{{"a", "1"}, {"b", "2"}}
	if got := WithTags(have, []Tag{{"b", "3"}, {"c", "4"}}); !slices.Equal(got, []Tag{{"a", "1"}, {"b", "3"}, {"c", "4"}}) {
		t.Errorf("with: %v", got)
	}
	if got := WithoutTags(have, []string{"a", "x"}); !slices.Equal(got, []Tag{{"b", "2"}}) {
		t.Errorf("without: %v", got)
	}
	if !slices.Equal(have, []Tag{{"a", "1"}, {"b", "2"}}) {
		t.Errorf("the old list changed: %v", have)
	}
}
