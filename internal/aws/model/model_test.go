package model

import "testing"

func TestConstNameFollowsTheSDKs(t *testing.T) {
	for value, want := range map[string]string{
		"FARGATE_SPOT": "FargateSpot", "EC2": "Ec2", "ap-south-1": "ApSouth1", "s3:ObjectCreated:*": "S3ObjectCreated", "Enabled": "Enabled", "awsvpc": "Awsvpc",
	} {
		if got := ConstName(value); got != want {
			t.Errorf("ConstName(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestPatchNeedsPlaceAndReason(t *testing.T) {
	s := &Service{Shapes: map[string]*Shape{"A": {Type: "structure", Members: Members{{Name: "b", Ref: Ref{Shape: "B"}}}}, "B": {Type: "integer"}}}
	for _, p := range []Patch{
		{Shape: "A", Member: "b", Set: []byte(`{"box":true}`)},
		{Shape: "A", Member: "c", Set: []byte(`{"box":true}`), Reason: "r"},
		{Shape: "C", Set: []byte(`{}`), Reason: "r"},
	} {
		if s.Apply(p) == nil {
			t.Errorf("%+v was applied", p)
		}
	}
	if err := s.Apply(Patch{Shape: "A", Member: "b", Set: []byte(`{"box":true}`), Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if got := s.GoType("A", s.Shapes["A"].Members[0]); got != "*int32" {
		t.Errorf("boxed integer is %s", got)
	}
}
