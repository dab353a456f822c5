package taskdef

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// checkLog checks the options of the awslogs driver. Whether group, region and
// prefix are there is left to the start of the task, as on AWS.
func checkLog(_ *state.TaskDefinition, c state.ContainerDefinition) error {
	if c.Log == nil {
		return nil
	}
	for name, value := range c.Log.Options {
		ok := true
		switch name {
		case "awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-datetime-format":
		case "awslogs-endpoint":
			u, err := url.Parse(value)
			ok = err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
		case "awslogs-create-group":
			ok = strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
		case "awslogs-multiline-pattern":
			_, err := regexp.Compile(value)
			ok = err == nil
		case "mode":
			ok = value == "blocking" || value == "non-blocking"
		case "max-buffer-size":
			_, err := BufferSize(value)
			ok = err == nil
		default:
			return unsupported("log option '" + name + "' of log driver 'awslogs'")
		}
		if !ok {
			return clientError("Invalid value '%s' for log option '%s' of container '%s'.", value, name, c.Name)
		}
	}
	if c.Log.Options["awslogs-datetime-format"] != "" && c.Log.Options["awslogs-multiline-pattern"] != "" {
		return clientError("Log options 'awslogs-datetime-format' and 'awslogs-multiline-pattern' of container '%s' exclude each other.", c.Name)
	}
	return nil
}

var bufferSize = regexp.MustCompile(`(?i)^([0-9]{1,9})\s*([kmg]?)b?$`)

// BufferSize reads a size such as 25m: a number of bytes, or of 1024 to the
// power that k, m and g stand for.
func BufferSize(text string) (int64, error) {
	m := bufferSize.FindStringSubmatch(text)
	if m == nil {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, err
	}
	return n << map[string]uint{"": 0, "k": 10, "m": 20, "g": 30}[strings.ToLower(m[2])], nil
}
