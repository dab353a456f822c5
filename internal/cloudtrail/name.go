package cloudtrail

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
)

var (
	nameCharacters = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	adjacent       = regexp.MustCompile(`[._-]{2}`)
)

// checkName checks a trail's name by the rules of CreateTrail.
func checkName(name string) error {
	bad := func(text string) error { return &cloudtrailapi.InvalidTrailNameException{Message: text} }
	switch {
	case len(name) < 3:
		return bad("Trail name too short. Minimum allowed length: 3 characters. Specified name length: " + strconv.Itoa(len(name)))
	case len(name) > 128:
		return bad("Trail name too long. Maximum allowed length: 128 characters. Specified name length: " + strconv.Itoa(len(name)))
	case !nameCharacters.MatchString(name):
		return bad("Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).")
	case strings.ContainsAny(name[:1], "._-"):
		return bad("Trail name must starts with a letter or number.")
	case strings.ContainsAny(name[len(name)-1:], "._-"):
		return bad("Trail name must ends with a letter or number.")
	case adjacent.MatchString(name):
		return bad("Trail name cannot have adjacent periods, hyphens or underscores.")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return bad("Trail name cannot be in the format of an IP address.")
	}
	return nil
}
