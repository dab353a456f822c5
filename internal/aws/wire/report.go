package wire

import "strings"

// validationCodes are the codes under which services report model violations;
// the others say ValidationException (json) or ValidationError (query).
var validationCodes = map[string]string{
	"CloudWatch Logs": "InvalidParameterException",
	"ECS":             "InvalidParameterException",
	"ECR":             "InvalidParameterException",
	"Secrets Manager": "ValidationException",
	"SSM":             "ValidationException",
}

// report words the violations as the service does.
func (c *checker) report(s *Service) Error {
	v := c.found[0]
	switch {
	case c.ec2 && v.missing:
		return NewError("MissingParameter", 400, "The request must contain the parameter %s", v.path)
	case c.ec2:
		return NewError("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid. %s", strings.Trim(v.value, "'"), v.path, v.text)
	case c.loose && v.missing:
		return NewError("InvalidRequest", 400, "The request must contain the parameter %s", v.path)
	case c.loose:
		return NewError("InvalidArgument", 400, "Invalid value for %s. %s", v.path, v.text)
	case s.ID == "ECR":
		return NewError("InvalidParameterException", 400, "Invalid parameter at '%s' failed to satisfy constraint: '%s'", v.path, v.text)
	}
	code := validationCodes[s.ID]
	if code == "" {
		code = "ValidationException"
		if s.speaks(Query) {
			code = "ValidationError"
		}
	}
	return NewError(code, 400, "%s", summary(c.found))
}

// summary is Coral's sentence: "2 validation errors detected: ...; ...".
func summary(found []violation) string {
	var b strings.Builder
	b.WriteString(itoa(len(found)))
	if len(found) == 1 {
		b.WriteString(" validation error detected: ")
	} else {
		b.WriteString(" validation errors detected: ")
	}
	for i, v := range found {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString("Value ")
		switch {
		case v.missing:
			b.WriteString("null ")
		case v.value != "":
			b.WriteString(v.value + " ")
		}
		b.WriteString("at '" + v.path + "' failed to satisfy constraint: " + v.text)
	}
	return b.String()
}
