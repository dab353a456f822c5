package state

import (
	"testing"

	"github.com/neargate/neargate/internal/store"
)

// TestSchema: the tables of all services can be opened together.
func TestSchema(t *testing.T) {
	if _, err := store.OpenMemory(Schema()...); err != nil {
		t.Fatal(err)
	}
}
