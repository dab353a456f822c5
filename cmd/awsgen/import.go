package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// importModels copies the newest model of each service, without documentation
// and one operation or shape per line.
func importModels(data, models string, services []string) error {
	for _, service := range services {
		stripped, err := importModel(data, service)
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		dir := filepath.Join(models, service)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "service-2.json"), stripped, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func importModel(data, service string) ([]byte, error) {
	versions, err := filepath.Glob(filepath.Join(data, service, "*", "service-2.json.gz"))
	if err != nil || len(versions) == 0 {
		return nil, fmt.Errorf("no service-2.json.gz below %s", filepath.Join(data, service))
	}
	sort.Strings(versions)
	f, err := os.Open(versions[len(versions)-1])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return strip(raw)
}

// object is a JSON object that keeps the order of its keys.
type object []entry

type entry struct {
	key   string
	value any // object, []any or a JSON scalar as json.RawMessage
}

// dropped are keys that say nothing about the wire.
var dropped = map[string]bool{
	"documentation": true, "documentationUrl": true, "examples": true, "clientContextParams": true,
	"contextParam": true, "staticContextParams": true, "operationContextParams": true,
	"deprecated": true, "deprecatedMessage": true, "deprecatedSince": true,
}

func strip(raw []byte) ([]byte, error) {
	v, err := parse(json.NewDecoder(bytes.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	write(&b, v, 0)
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func parse(dec *json.Decoder) (any, error) {
	dec.UseNumber()
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		out := object{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := parse(dec)
			if err != nil {
				return nil, err
			}
			out = append(out, entry{k.(string), v})
		}
		_, err := dec.Token()
		return out, err
	case json.Delim('['):
		out := []any{}
		for dec.More() {
			v, err := parse(dec)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := dec.Token()
		return out, err
	}
	return scalar(t)
}

func scalar(t json.Token) (json.RawMessage, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil {
		return nil, err
	}
	return json.RawMessage(strings.TrimSpace(b.String())), nil
}

// write prints the model; the entries of the two outer levels stand on lines of their own.
func write(b *bytes.Buffer, v any, depth int) {
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		n := 0
		for _, e := range v {
			// At memberLevel a key is a member's name, and its value an object.
			_, plain := e.value.(json.RawMessage)
			if dropped[e.key] && (plain || depth != memberLevel && e.key != "documentation") {
				continue
			}
			if n > 0 {
				b.WriteByte(',')
			}
			n++
			if depth < 2 {
				b.WriteByte('\n')
			}
			key, _ := scalar(e.key)
			b.Write(key)
			b.WriteByte(':')
			write(b, e.value, depth+1)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, e, depth+1)
		}
		b.WriteByte(']')
	case json.RawMessage:
		b.Write(v)
	}
}

// memberLevel is the depth of a structure's members object: its keys are names, not facts.
const memberLevel = 3
