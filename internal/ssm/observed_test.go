package ssm

import (
	"testing"

	api "github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/testenv/observed"
)

// TestObservedAnswers gives every error answer of Parameter Store that AWS was seen to give.
func TestObservedAnswers(t *testing.T) {
	w := newWorld(t)
	observed.Check(t, "ssm", api.Model, []observed.Request{{Name: "no parameter", Operation: "GetParameter", Do: func(*testing.T) error {
		_, err := w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "none"})
		return err
	}}}, nil)
}
