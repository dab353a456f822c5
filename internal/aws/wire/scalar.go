package wire

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// setText sets a scalar from its text form, as XML, forms, headers, paths and
// query strings carry it. timestamps is the format where the model names none.
func (s *shape) setText(v reflect.Value, text, timestamps string) error {
	v = s.target(v)
	switch s.kind {
	case kindString:
		v.SetString(text)
	case kindBool:
		switch text {
		case "true":
			v.SetBool(true)
		case "false":
			v.SetBool(false)
		default:
			return badText("a Boolean")
		}
	case kindInt:
		n, err := strconv.ParseInt(text, 10, s.typ.Bits())
		if err != nil || text[0] == '+' {
			return badText(integerName(s.typ))
		}
		v.SetInt(n)
	case kindFloat:
		f, err := parseFloat(text)
		if err != nil {
			return badText("a Double")
		}
		v.SetFloat(f)
	case kindBlob:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return badText("a Blob")
		}
		v.SetBytes(raw)
	case kindTime:
		t, ok := parseTime(text, first(s.timestamp, timestamps))
		if !ok {
			return badText("a Timestamp")
		}
		v.Set(reflect.ValueOf(t))
	default:
		return fmt.Errorf("text where a %s is expected", s.typ)
	}
	return nil
}

// appendText prints a scalar in its text form.
func (s *shape) appendText(b []byte, v reflect.Value, timestamps string) []byte {
	switch s.kind {
	case kindString:
		return append(b, v.String()...)
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindFloat:
		return appendFloat(b, v.Float(), s.typ.Bits())
	case kindBlob:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	case kindTime:
		return appendTime(b, v.Interface().(time.Time), first(s.timestamp, timestamps))
	}
	return b
}

// appendFloat prints a number, NaN, Infinity or -Infinity.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case math.Abs(f) >= 1e21 || f != 0 && math.Abs(f) < 1e-6:
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

// parseFloat reads what appendFloat prints; not Go's other spellings (0x1p-2, inf, 1_000).
func parseFloat(text string) (float64, error) {
	switch text {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseFloat(text, 64)
}

func integerName(t reflect.Type) string {
	switch t.Bits() {
	case 8:
		return "a Byte"
	case 16:
		return "a Short"
	case 64:
		return "a Long"
	}
	return "an Integer"
}

// badText is the cause of a failed conversion; the text may be secret and is not repeated.
func badText(want string) error {
	return fmt.Errorf("STRING_VALUE can not be converted to %s", want)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
