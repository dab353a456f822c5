package ssm

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// maxLevels is how deep a hierarchy of parameters may be.
const maxLevels = 15

const nameRule = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`

// checkName refuses names that a parameter cannot have.
func checkName(name string) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	lower := strings.ToLower(first)
	switch {
	case strings.HasPrefix(name, "/") && (lower == "aws" || lower == "ssm"), strings.HasPrefix(lower, "aws"):
		return wire.NewError("AccessDeniedException", 400, "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(lower, "ssm"), name == "/", strings.HasSuffix(name, "/"), strings.Contains(name, "//"):
		return invalid(nameRule)
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return invalid("Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > maxLevels:
		return &ssmapi.HierarchyLevelLimitExceededException{Message: "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide."}
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/.-_", r)) {
			return invalid(nameRule)
		}
	}
	return nil
}

// publicPath is where AWS publishes parameters, such as the newest machine images.
const publicPath = "/aws/service"

// checkPublic refuses AWS's public parameters by name: what they say of AWS (image
// ids, regions) is not true here.
func checkPublic(name string) error {
	path := name
	if a, err := arn.Parse(name); err == nil {
		path = nameInARN(a)
	}
	if path == publicPath || strings.HasPrefix(path, publicPath+"/") {
		return invalid("The public parameters of AWS are not carried out by Neargate yet: " + name)
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// matchesSelector reports whether a version has the number or label.
func matchesSelector(v *state.ParameterVersion, selector string) bool {
	if n, err := strconv.ParseInt(selector, 10, 64); err == nil {
		return v.Version == n
	}
	for _, label := range v.Labels {
		if label == selector {
			return true
		}
	}
	return false
}
