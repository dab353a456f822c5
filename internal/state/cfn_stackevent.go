package state

import (
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// StackEvent is one line of a stack's history. Written by cloudformation.
type StackEvent struct {
	Account, Region    string
	StackID, StackName string
	Number             int // from 1
	ID                 string
	LogicalID          string
	PhysicalID         string
	Type               string
	Time               time.Time
	Status, Reason     string
	DetailedStatus     string
	Properties         string // JSON
	Token              string // ClientRequestToken
	Operation          string
}

// Key is the record's key: events of a stack sort by their number.
func (e *StackEvent) Key() string {
	return StackEventPrefix(e.Account, e.Region, e.StackID) + fmt.Sprintf("%09d", e.Number)
}

// StackEventPrefix is the start of the keys of a stack's events.
func StackEventPrefix(account, region, stackID string) string {
	return Key(account, region, stackID) + "/"
}

// StackEvents holds the events of stacks.
var StackEvents = store.Define("cloudformation.event", (*StackEvent).Key)
