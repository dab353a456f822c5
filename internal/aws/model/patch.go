package model

import (
	"encoding/json"
	"fmt"
)

// Patch is one correction of a model. It names the metadata, an operation's
// input or output, a shape, or a member of a shape, and the facts to set there.
type Patch struct {
	Metadata  bool            `json:"metadata,omitempty"`
	Operation string          `json:"operation,omitempty"` // with Side
	Side      string          `json:"side,omitempty"`      // "input" or "output"
	Shape     string          `json:"shape,omitempty"`
	Member    string          `json:"member,omitempty"` // "*" stands for every member of a number or boolean type
	Set       json.RawMessage `json:"set"`
	Reason    string          `json:"reason"` // required: why the model is wrong for us
}

// Apply changes the model; it fails when the place does not exist or no reason is given.
func (s *Service) Apply(p Patch) error {
	if p.Reason == "" {
		return fmt.Errorf("%s%s.%s: a patch needs a reason", p.Operation, p.Shape, p.Member)
	}
	switch {
	case p.Metadata:
		return json.Unmarshal(p.Set, &s.Metadata)
	case p.Operation != "":
		return s.patchOperation(p)
	case p.Shape == "*":
		return s.boxAll(p)
	case s.Shapes[p.Shape] == nil:
		return fmt.Errorf("no shape %s", p.Shape)
	case p.Member == "":
		return json.Unmarshal(p.Set, s.Shapes[p.Shape])
	}
	members := s.Shapes[p.Shape].Members
	for i := range members {
		if members[i].Name == p.Member {
			return json.Unmarshal(p.Set, &members[i].Ref)
		}
	}
	return fmt.Errorf("shape %s has no member %s", p.Shape, p.Member)
}

func (s *Service) patchOperation(p Patch) error {
	op := s.Operations[p.Operation]
	if op == nil {
		return fmt.Errorf("no operation %s", p.Operation)
	}
	ref := op.Input
	if p.Side == "output" {
		ref = op.Output
	}
	if ref == nil {
		return fmt.Errorf("operation %s has no %s", p.Operation, p.Side)
	}
	return json.Unmarshal(p.Set, ref)
}

// boxAll applies a patch to every number and boolean shape: "box" for a whole service.
func (s *Service) boxAll(p Patch) error {
	for _, shape := range s.Shapes {
		if !shape.number() {
			continue
		}
		if err := json.Unmarshal(p.Set, shape); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shape) number() bool {
	switch s.Type {
	case "integer", "long", "float", "double", "boolean":
		return true
	}
	return false
}
