package observed

import (
	"testing"

	"github.com/neargate/neargate/internal/aws/wire"
)

func TestAnswersAreComparedWithWhatVaries(t *testing.T) {
	a := Answer{Operation: "attach_role_policy", Code: "NoSuchEntity", HTTPStatus: 404, Message: "Policy arn:<partition>:iam::111111111111:policy/<policy-name:1>123 does not exist (really)."}
	for message, want := range map[string]bool{
		"Policy arn:aws:iam::000000000000:policy/x123 does not exist (really).":  true,
		"Policy arn:aws:iam::000000000000:policy/x123 does not exist (really).x": false,
		"Policy arn:aws:iam::00000000000:policy/x123 does not exist (really).":   false,
		"Policy arn:aws:iam::000000000000:policy/123 does not exist (really).":   false,
	} {
		if got := a.is(wire.NewError("NoSuchEntity", 404, "%s", message)); got != want {
			t.Errorf("%s: %v", message, got)
		}
	}
	if a.is(wire.NewError("NoSuchEntity", 400, "%s", a.Message)) || a.is(wire.NewError("Other", 404, "%s", a.Message)) {
		t.Error("status and code do not count")
	}
	if !a.of("AttachRolePolicy") || a.of("AttachUserPolicy") || !(Answer{}).of("Anything") {
		t.Error("operations are told apart wrongly")
	}
	if none := (Answer{Code: "X", Message: "None", HTTPStatus: 400}); !none.is(wire.NewError("X", 400, "%s", "")) || none.is(wire.NewError("X", 400, "text")) {
		t.Error("None is not no message")
	}
}
