package awslogs

import (
	"regexp"
	"strings"
)

// dateParts are the parts of strftime that awslogs-datetime-format takes.
var dateParts = map[byte]string{
	'a': `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`,
	'A': `(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)`,
	'b': `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`,
	'B': `(?:January|February|March|April|May|June|July|August|September|October|November|December)`,
	'd': `(?:0?[1-9]|[12][0-9]|3[01])`, 'm': `(?:0?[1-9]|1[0-2])`, 'Y': `\d{4}`, 'y': `\d{2}`, 'j': `\d{3}`,
	'H': `(?:[01]?[0-9]|2[0-3])`, 'I': `(?:0?[1-9]|1[0-2])`, 'M': `[0-5]\d`, 'S': `[0-5]\d`, 'p': `(?:AM|PM|am|pm)`,
	'L': `\.\d{3}`, 'f': `\d{6}`, 'w': `[0-6]`, 'z': `[+-]\d{4}`, 'Z': `[A-Z]{1,4}T?`,
}

// StartPattern is the pattern of an event's first line: from a date format as of
// strftime, or a pattern as it is. Nil when both are empty or cannot be read.
func StartPattern(dateFormat, pattern string) *regexp.Regexp {
	if dateFormat != "" {
		pattern = datePattern(dateFormat)
	}
	if pattern == "" {
		return nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	return re
}

func datePattern(format string) string {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case c == '%' && i+1 < len(format):
			i++
			if part, ok := dateParts[format[i]]; ok {
				out.WriteString(part)
			} else {
				out.WriteString(regexp.QuoteMeta(format[i : i+1]))
			}
		case c == '\\' && i+1 < len(format): // the format may be quoted as in AWS's examples: \[%b %d\]
			i++
			out.WriteString(regexp.QuoteMeta(format[i : i+1]))
		default:
			out.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return out.String()
}
