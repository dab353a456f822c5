package elbv2

import (
	"testing"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// How many targets must be healthy is told to the traffic.
func TestMinimumHealthyTargets(t *testing.T) {
	w := newWorld(t, nil)
	g := w.group("api")
	set := func(key, value string) error {
		_, err := w.ModifyTargetGroupAttributes(w.ctx, &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn, Attributes: []elbv2api.TargetGroupAttribute{{Key: key, Value: value}}})
		return err
	}
	ok(t, set(minHealthy+"count", "3"))
	ok(t, set(minHealthy+"percentage", "50"))
	w.refused(set(minHealthy+"percentage", "0"), "ValidationError: Target group attribute value '0' for key '"+minHealthy+"percentage' is not valid: it must be 'off' or between '1' and '100' inclusive")
	q := scopeOf(w.ctx, w.DB.Read())
	record, err := q.targetGroup(g.TargetGroupArn)
	ok(t, err)
	if c := q.groupConfiguration(record); c.MinHealthy != 3 || c.MinHealthyPercent != 50 {
		t.Errorf("traffic is told %d and %d%%", c.MinHealthy, c.MinHealthyPercent)
	}
}
