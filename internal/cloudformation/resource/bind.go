package resource

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// bind sets the fields of a generated API structure from checked properties of
// the same names; skip names those that the caller carries out itself.
func bind(properties *template.Value, into any, skip ...string) error {
	target := reflect.ValueOf(into).Elem()
	for _, e := range properties.Entries {
		if contains(skip, e.Key) {
			continue
		}
		field := target.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, e.Key) })
		if !field.IsValid() {
			return fmt.Errorf("property %s has no place in %s", e.Key, target.Type())
		}
		if err := set(field, e.Value); err != nil {
			return fmt.Errorf("property %s: %w", e.Key, err)
		}
	}
	return nil
}

// set stores a value in a field of a generated structure.
func set(field reflect.Value, v *template.Value) error {
	switch field.Kind() {
	case reflect.Pointer:
		elem := reflect.New(field.Type().Elem())
		if err := set(elem.Elem(), v); err != nil {
			return err
		}
		field.Set(elem)
	case reflect.String:
		if v.Kind == template.Map || v.Kind == template.List {
			field.SetString(v.JSON())
			return nil
		}
		field.SetString(v.Str())
	case reflect.Bool:
		field.SetBool(v.Text == "true")
	case reflect.Int32, reflect.Int64, reflect.Int:
		n, err := strconv.ParseInt(v.Str(), 10, 64)
		if err != nil || field.OverflowInt(n) {
			return fmt.Errorf("%q is not an integer of %d bits", v.Str(), field.Type().Bits())
		}
		field.SetInt(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(v.Str(), 64)
		if err != nil {
			return err
		}
		field.SetFloat(n)
	case reflect.Slice:
		out := reflect.MakeSlice(field.Type(), len(v.Items), len(v.Items))
		for i, item := range v.Items {
			if err := set(out.Index(i), item); err != nil {
				return err
			}
		}
		field.Set(out)
	case reflect.Map:
		out := reflect.MakeMapWithSize(field.Type(), len(v.Entries))
		for _, e := range v.Entries {
			elem := reflect.New(field.Type().Elem()).Elem()
			if err := set(elem, e.Value); err != nil {
				return err
			}
			out.SetMapIndex(reflect.ValueOf(e.Key).Convert(field.Type().Key()), elem)
		}
		field.Set(out)
	case reflect.Struct:
		return bind(v, field.Addr().Interface())
	default:
		return fmt.Errorf("cannot set a %s", field.Type())
	}
	return nil
}
