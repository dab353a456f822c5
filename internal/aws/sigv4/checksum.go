package sigv4

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvmeTable  = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })
)

// NewChecksum returns the hash behind one of S3's checksum algorithms, named as
// in the API in any case: CRC32, CRC32C, CRC64NVME, SHA1, SHA256. The sum is
// big-endian, as S3 encodes it in base64. ok is false for any other name.
func NewChecksum(algorithm string) (h hash.Hash, ok bool) {
	switch strings.ToUpper(algorithm) {
	case "CRC32":
		return crc32.NewIEEE(), true
	case "CRC32C":
		return crc32.New(castagnoli), true
	case "CRC64NVME":
		return crc64.New(nvmeTable()), true
	case "SHA1":
		return sha1.New(), true
	case "SHA256":
		return sha256.New(), true
	}
	return nil, false
}
