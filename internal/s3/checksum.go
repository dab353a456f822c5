package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"reflect"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
)

const (
	fullObject = string(s3api.ChecksumTypeFullObject)
	composite  = string(s3api.ChecksumTypeComposite)
)

// nvme is the polynomial of CRC64NVME, reversed.
const nvme = 0x9a6c9329ac4bc9b5

// newHash returns the hash of an algorithm, nil when we do not have it.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "CRC64NVME":
		return crc64.New(crc64.MakeTable(nvme))
	case "SHA1":
		return sha1.New()
	case "SHA256":
		return sha256.New()
	}
	return nil
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// givenChecksum returns the checksum that a request brings in its
// ChecksumALGORITHM members: at most one, well-formed.
func givenChecksum(in any) (algorithm, value string, err error) {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		name, ok := strings.CutPrefix(v.Type().Field(i).Name, "Checksum")
		if !ok || name == "Algorithm" || name == "Type" || name == "Mode" || v.Field(i).Kind() != reflect.String || v.Field(i).String() == "" {
			continue
		}
		if newHash(name) == nil {
			return "", "", errUnsupportedChecksum()
		}
		if algorithm != "" {
			return "", "", errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		algorithm, value = name, v.Field(i).String()
	}
	if algorithm != "" && !wellFormed(algorithm, value) {
		return "", "", errInvalidRequest("Value for x-amz-checksum-" + strings.ToLower(algorithm) + " header is invalid.")
	}
	return algorithm, value, nil
}

func wellFormed(algorithm, value string) bool {
	raw, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(raw) == newHash(algorithm).Size()
}

func errUnsupportedChecksum() error {
	return errInvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// putChecksum fills the ChecksumALGORITHM and ChecksumType members of an answer.
func putChecksum(out any, c state.ObjectChecksum) {
	if c.Value == "" {
		return
	}
	v := reflect.ValueOf(out).Elem()
	v.FieldByName("Checksum" + c.Algorithm).SetString(c.Value)
	if f := v.FieldByName("ChecksumType"); f.IsValid() && c.Type != "" {
		f.SetString(c.Type)
	}
}

// combine makes the checksum of an object from those of its parts: of all their
// bytes, or of the list of their checksums.
func combine(algorithm, kind string, parts []*state.UploadPart) (string, error) {
	if kind == composite {
		h := newHash(algorithm)
		for _, p := range parts {
			raw, err := base64.StdEncoding.DecodeString(p.Checksum)
			if err != nil {
				return "", err
			}
			h.Write(raw)
		}
		return encodeSum(h) + "-" + strconv.Itoa(len(parts)), nil
	}
	var c crc
	switch algorithm {
	case "CRC32":
		c = crc{poly: crc32.IEEE, bits: 32}
	case "CRC32C":
		c = crc{poly: crc32.Castagnoli, bits: 32}
	case "CRC64NVME":
		c = crc{poly: nvme, bits: 64}
	default:
		return "", fmt.Errorf("%s cannot be combined", algorithm)
	}
	sum := uint64(0)
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksum)
		if err != nil {
			return "", err
		}
		part := uint64(0)
		for _, b := range raw {
			part = part<<8 | uint64(b)
		}
		sum = c.combine(sum, part, p.Size)
	}
	raw := make([]byte, c.bits/8)
	for i := range raw {
		raw[i] = byte(sum >> (c.bits - 8 - 8*i))
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// crc is a reflected cyclic redundancy check with all bits set before and
// inverted after.
type crc struct {
	poly uint64 // reversed
	bits int
}

// combine is the checksum of two pieces of data after each other, from their
// checksums and the size of the second. Appending a zero bit to the data is a
// linear map of the checksum's bits; appending n of them is its n-th power.
func (c crc) combine(first, second uint64, size int64) uint64 {
	power := make([]uint64, c.bits) // the map for one zero bit, by columns
	power[0] = c.poly
	for i := 1; i < c.bits; i++ {
		power[i] = 1 << (i - 1)
	}
	for n := uint64(size) * 8; n > 0; n >>= 1 {
		if n&1 == 1 {
			first = apply(power, first)
		}
		square := make([]uint64, c.bits)
		for i, column := range power {
			square[i] = apply(power, column)
		}
		power = square
	}
	return first ^ second
}

func apply(matrix []uint64, vector uint64) (sum uint64) {
	for i := 0; vector != 0; i, vector = i+1, vector>>1 {
		if vector&1 == 1 {
			sum ^= matrix[i]
		}
	}
	return sum
}
