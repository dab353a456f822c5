package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// The file format: a header of 4 bytes "NGO1" and 28 random bytes, then the
// data in chunks of 64 KiB, each followed by its GCM tag. The file's key is
// derived from the local key and the random bytes, so the chunk's number is
// nonce enough. The last chunk (which may be short, and is empty in an empty
// object) is marked in its nonce: a file cut at a chunk's end does not pass.
const (
	magic      = "NGO1"
	headerSize = 32
	chunkSize  = 64 << 10
	tagSize    = 16
)

type header [headerSize]byte

func newHeader() (h header) {
	copy(h[:], magic)
	rand.Read(h[len(magic):])
	return h
}

func readHeader(r io.ReaderAt) (h header, err error) {
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return h, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	if string(h[:len(magic)]) != magic {
		return h, fmt.Errorf("%w: not an object file", ErrCorrupt)
	}
	return h, nil
}

// cipher is the AEAD for the chunks of the file with this header.
func (k Key) cipher(h header) (cipher.AEAD, error) {
	fileKey, err := hkdf.Key(sha256.New, k[:], h[len(magic):], "neargate object", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func nonce(chunk int64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:11], uint64(chunk))
	if last {
		n[11] = 1
	}
	return n
}

// layout says how a file of the given size is cut: the size of the data in it,
// and the number of its chunks.
func layout(fileSize int64) (dataSize, chunks int64, err error) {
	body := fileSize - headerSize
	if body < tagSize {
		return 0, 0, fmt.Errorf("%w: file has %d bytes", ErrCorrupt, fileSize)
	}
	const full = chunkSize + tagSize
	chunks = (body + full - 1) / full
	if body-(chunks-1)*full < tagSize {
		return 0, 0, fmt.Errorf("%w: file has %d bytes", ErrCorrupt, fileSize)
	}
	return body - chunks*tagSize, chunks, nil
}
