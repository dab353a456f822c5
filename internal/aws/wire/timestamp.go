package wire

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Timestamp formats, as the models call them.
const (
	iso8601       = "iso8601"
	rfc822        = "rfc822"
	unixTimestamp = "unixTimestamp"
)

// appendTime prints a timestamp; fractions are kept to the millisecond, and
// left out when there are none.
func appendTime(b []byte, t time.Time, format string) []byte {
	t = t.UTC().Truncate(time.Millisecond)
	switch format {
	case rfc822:
		if t.Nanosecond() != 0 {
			return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05.000 GMT")
		}
		return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	case unixTimestamp:
		b = strconv.AppendInt(b, t.UnixMilli()/1000, 10)
		if ms := t.UnixMilli() % 1000; ms > 0 {
			frac := strconv.FormatInt(1000+ms, 10)[1:]
			b = append(append(b, '.'), strings.TrimRight(frac, "0")...)
		}
		return b
	}
	if t.Nanosecond() != 0 {
		return t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05Z")
}

// parseTime reads a timestamp in the given format; strict about the format, and
// about UTC, as clients send it.
func parseTime(s, format string) (time.Time, bool) {
	switch format {
	case rfc822:
		t, err := time.Parse("Mon, 02 Jan 2006 15:04:05.999999999 GMT", s)
		return t.UTC(), err == nil
	case unixTimestamp:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return time.Time{}, false
		}
		return epoch(f)
	}
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[len(s)-1] != 'Z' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}

// epoch makes a time of seconds since 1970.
func epoch(seconds float64) (time.Time, bool) {
	if math.IsNaN(seconds) || math.Abs(seconds) > 253402300799 { // year 9999
		return time.Time{}, false
	}
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC(), true
}
