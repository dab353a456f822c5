package wire

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxViolations bounds how many violations one answer lists.
const maxViolations = 100

// Validate checks an input against the model's constraints: required members,
// lengths, ranges, patterns and enumerations. The error is worded as the
// service words it.
func Validate(op *Operation, in any) error {
	v := reflect.ValueOf(in).Elem()
	c := checker{ec2: op.Service.speaks(EC2Query), loose: op.Service.speaks(RESTXML)}
	c.structure(planOf(v.Type()), v, "")
	if len(c.found) == 0 {
		return nil
	}
	return c.report(op.Service)
}

// violation is one constraint that does not hold.
type violation struct {
	path    string // roleName, tags.1.member.key
	value   string // as messages repeat it; "" when it may not be repeated
	text    string // Member must ...
	missing bool
}

type checker struct {
	ec2, loose bool
	found      []violation
}

func (c *checker) add(path, value, format string, args ...any) {
	if len(c.found) < maxViolations {
		c.found = append(c.found, violation{path: path, value: value, text: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) structure(p *structPlan, v reflect.Value, path string) {
	for i := range p.fields {
		f := &p.fields[i]
		name := join(path, lowerFirst(f.member))
		value, ok := present(&f.shape, v.Field(f.index))
		if !ok {
			if f.required && f.in != "uri" {
				c.found = append(c.found, violation{path: name, missing: true, text: "Member must not be null"})
			}
			continue
		}
		c.value(&f.shape, value, name)
	}
}

// present is shape.value for checking: an empty string counts as absent, unless
// a patch says that it is a value (always).
func present(s *shape, v reflect.Value) (reflect.Value, bool) {
	value, ok := s.value(v)
	if ok && !s.ptr && !s.always && s.kind == kindString && value.Len() == 0 {
		return value, false
	}
	return value, ok
}

func (c *checker) value(s *shape, v reflect.Value, path string) {
	switch s.kind {
	case kindStruct:
		c.structure(s.plan, v, path)
	case kindList:
		c.length(s, v.Len(), path, "")
		for i := range v.Len() {
			if elem, ok := s.elem.value(v.Index(i)); ok || s.elem.kind == kindString {
				c.value(s.elem, elem, c.element(path, i))
			}
		}
	case kindMap:
		c.length(s, v.Len(), path, "")
		for _, k := range sortedKeys(v) {
			c.value(s.key, k, path+".key")
			if elem, ok := s.elem.value(v.MapIndex(k)); ok || s.elem.kind == kindString {
				c.value(s.elem, elem, path+"."+k.String()+".member")
			}
		}
	case kindString:
		c.text(s, v.String(), path)
	case kindBlob:
		c.length(s, v.Len(), path, "")
	case kindInt:
		c.number(s, float64(v.Int()), path)
	case kindFloat:
		c.number(s, v.Float(), path)
	}
}

func (c *checker) element(path string, i int) string {
	if c.ec2 {
		return path + "." + itoa(i+1)
	}
	return path + "." + itoa(i+1) + ".member"
}

func (c *checker) text(s *shape, text, path string) {
	quoted := ""
	if !s.sensitive {
		quoted = "'" + text + "'"
	}
	c.length(s, utf8.RuneCountInString(text), path, quoted)
	if s.regex != nil && !s.regex.re.MatchString(text) {
		c.add(path, quoted, "Member must satisfy regular expression pattern: %s", s.regex.text)
	}
	// S3 has an error of its own for each enumeration; its handlers check them.
	if len(s.enum) > 0 && !c.loose && !contains(s.enum, text) {
		c.add(path, quoted, "Member must satisfy enum value set: [%s]", strings.Join(s.enum, ", "))
	}
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

func (c *checker) length(s *shape, n int, path, value string) {
	if s.hasMin && float64(n) < s.min {
		c.add(path, value, "Member must have length greater than or equal to %s", plain(s.min))
	}
	if s.hasMax && float64(n) > s.max {
		c.add(path, value, "Member must have length less than or equal to %s", plain(s.max))
	}
}

func (c *checker) number(s *shape, n float64, path string) {
	// A number without a pointer is 0 when it is absent: only a required one is checked.
	if n == 0 && !s.ptr && !s.required {
		return
	}
	value := "'" + plain(n) + "'"
	if s.hasMin && n < s.min {
		c.add(path, value, "Member must have value greater than or equal to %s", plain(s.min))
	}
	if s.hasMax && n > s.max {
		c.add(path, value, "Member must have value less than or equal to %s", plain(s.max))
	}
}

func plain(f float64) string {
	if f == math.Trunc(f) {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
