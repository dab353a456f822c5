package blob

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := digest.FromString("hello")
	if _, _, err := s.Put(strings.NewReader("hello!"), want); !errors.Is(err, ErrDigest) {
		t.Fatalf("wrong content: %v", err)
	}
	if _, err := s.Open(want); !errors.Is(err, ErrNotFound) {
		t.Fatalf("it was stored: %v", err)
	}
	for range 2 { // the second time it is there already
		d, size, err := s.Put(strings.NewReader("hello"), want)
		if err != nil || d != want || size != 5 {
			t.Fatal(d, size, err)
		}
	}
	b, err := s.Open(want)
	if err != nil || b.Size != 5 {
		t.Fatal(b, err)
	}
	b.Seek(1, io.SeekStart)
	if rest, _ := io.ReadAll(b); string(rest) != "ello" {
		t.Errorf("read %q", rest)
	}
	b.Close()
	if _, err := s.Read(want, 4); err == nil {
		t.Error("read more than the limit")
	}
	for _, bad := range []digest.Digest{"", "sha256:../../etc/passwd", "md5:00", "sha512:" + digest.Digest(strings.Repeat("0", 128))} {
		if _, err := s.Open(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// A writer that nobody ends leaves a file, which the next Open removes.
	w, _ := s.Create()
	io.WriteString(w, "half")
	if _, err := OpenStore(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	n := 0
	for d, err := range s.All() {
		if n++; d != want || err != nil {
			t.Error(d, err)
		}
	}
	if err := errors.Join(s.Delete(want), s.Delete(want)); err != nil || n != 1 {
		t.Error(n, err)
	}
}

func TestWriterStaysOpenAfterAWrongDigest(t *testing.T) {
	s, _ := OpenStore(t.TempDir())
	w, _ := s.Create()
	defer w.Abort()
	io.WriteString(w, "a")
	if _, err := w.Commit(digest.FromString("b")); !errors.Is(err, ErrDigest) {
		t.Fatal(err)
	}
	io.WriteString(w, "b")
	if d, err := w.Commit(digest.FromString("ab")); err != nil || d != w.Digest() {
		t.Fatal(err)
	}
	if _, err := w.Write(nil); err == nil {
		t.Error("written after the end")
	}
}

func openObjects(t *testing.T) (*Objects, string) {
	t.Helper()
	dir := t.TempDir()
	key, err := LoadKey(filepath.Join(dir, "keys", "local"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := LoadKey(filepath.Join(dir, "keys", "local")); err != nil || again != key {
		t.Fatal("the key changed", err)
	}
	if info, _ := os.Stat(filepath.Join(dir, "keys", "local")); info.Mode().Perm() != 0o600 {
		t.Fatalf("key mode %v", info.Mode())
	}
	o, err := OpenObjects(filepath.Join(dir, "objects"), key)
	if err != nil {
		t.Fatal(err)
	}
	return o, dir
}

func put(t *testing.T, o *Objects, id string, data []byte, piece int) {
	t.Helper()
	w, err := o.Create(id)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for rest := data; len(rest) > 0; {
		n := min(piece, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Commit(); err != nil || w.Size() != int64(len(data)) {
		t.Fatal(w.Size(), err)
	}
}

func TestObjectRanges(t *testing.T) {
	o, _ := openObjects(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 7} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		put(t, o, "object", data, 1+random.IntN(100_000))
		r, err := o.Open("object")
		if err != nil || r.Size() != int64(size) {
			t.Fatalf("size %d: %v", size, err)
		}
		for range 50 {
			offset := random.IntN(size + 2)
			length := random.IntN(size + 2)
			want := data[min(offset, size):min(offset+length, size)]
			got, err := io.ReadAll(r.Section(int64(offset), int64(length)))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("size %d, section %d+%d: %v", size, offset, length, err)
			}
			at := make([]byte, length)
			n, err := r.ReadAt(at, int64(offset))
			if !bytes.Equal(at[:n], want) || (n < length) != (err == io.EOF) {
				t.Fatalf("size %d, ReadAt %d+%d: %d %v", size, offset, length, n, err)
			}
		}
		r.Close()
	}
}

func TestObjectDamage(t *testing.T) {
	o, _ := openObjects(t)
	put(t, o, "object", bytes.Repeat([]byte("secret data "), 20_000), 1000)
	path, _ := o.path("object")
	whole, _ := os.ReadFile(path)
	if bytes.Contains(whole, []byte("secret")) {
		t.Fatal("stored in the clear")
	}
	const full = chunkSize + tagSize
	swapped := bytes.Clone(whole)
	copy(swapped[headerSize:], whole[headerSize+full:headerSize+2*full])
	copy(swapped[headerSize+full:], whole[headerSize:headerSize+full])
	flipped := bytes.Clone(whole)
	flipped[headerSize+100] ^= 1
	for name, bad := range map[string][]byte{
		"a changed byte":       flipped,
		"chunks swapped":       swapped,
		"cut at a chunk's end": whole[:headerSize+2*full],
		"cut elsewhere":        whole[:len(whole)-1],
		"cut to the header":    whole[:headerSize],
		"empty":                nil,
		"another file":         bytes.Repeat([]byte("x"), 100),
	} {
		os.WriteFile(path, bad, 0o600)
		r, err := o.Open("object")
		if err == nil {
			_, err = io.Copy(io.Discard, r.Section(0, r.Size()))
			r.Close()
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	os.WriteFile(path, whole, 0o600)
	if wrong, _ := OpenObjects(filepath.Dir(o.dir), Key{1}); wrong != nil {
		r, err := wrong.Open("object")
		if err == nil {
			_, err = r.ReadAt(make([]byte, 1), 0)
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("another key: %v", err)
		}
	}
}

func TestObjectLinkAndDelete(t *testing.T) {
	o, _ := openObjects(t)
	put(t, o, "first", []byte("data"), 10)
	if err := errors.Join(o.Link("first", "second"), o.Delete("first"), o.Delete("first")); err != nil {
		t.Fatal(err)
	}
	r, err := o.Open("second")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, _ := io.ReadAll(r.Section(0, 100)); string(got) != "data" {
		t.Errorf("read %q", got)
	}
	if err := o.Link("first", "third"); !errors.Is(err, ErrNotFound) {
		t.Errorf("link of nothing: %v", err)
	}
	for _, bad := range []string{"", "ab", "../../x", "UPPER", strings.Repeat("a", 129)} {
		if _, err := o.Create(bad); err == nil {
			t.Errorf("id %q was accepted", bad)
		}
	}
}
