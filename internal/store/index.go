package store

import "fmt"

// terminator ends each index value, so that "a" is no prefix match of "ab".
const terminator = "\x00"

// keyIndex is memdb's unique index over a record's key.
type keyIndex[T any] struct{ key func(*T) string }

func (x keyIndex[T]) FromObject(obj any) (bool, []byte, error) {
	k := x.key(obj.(*T))
	if k == "" {
		return false, nil, fmt.Errorf("record without a key: %T", obj)
	}
	return true, []byte(k + terminator), nil
}

func (x keyIndex[T]) FromArgs(args ...any) ([]byte, error) { return fromArg(args, terminator) }

func (x keyIndex[T]) PrefixFromArgs(args ...any) ([]byte, error) { return fromArg(args, "") }

// valuesIndex is memdb's index over any number of values of a record.
type valuesIndex[T any] struct{ values func(*T) []string }

func (x valuesIndex[T]) FromObject(obj any) (bool, [][]byte, error) {
	values := x.values(obj.(*T))
	out := make([][]byte, len(values))
	for i, v := range values {
		out[i] = []byte(v + terminator)
	}
	return len(out) > 0, out, nil
}

func (x valuesIndex[T]) FromArgs(args ...any) ([]byte, error) { return fromArg(args, terminator) }

func fromArg(args []any, end string) ([]byte, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("want one argument, have %d", len(args))
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("want a string, have %T", args[0])
	}
	return []byte(s + end), nil
}
