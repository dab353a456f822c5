package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Event is one log line.
type Event struct {
	Time     int64  // milliseconds since 1970, as its writer said
	Ingested int64  // milliseconds since 1970, when it arrived
	Seq      uint64 // number in the stream in order of arrival, from 1; given by Append
	Message  string
}

// Position is a place in a stream's order of events.
type Position struct {
	Time int64
	Seq  uint64
}

// Position is where the event stands.
func (e Event) Position() Position { return Position{e.Time, e.Seq} }

// Before reports whether p stands before q.
func (p Position) Before(q Position) bool {
	return p.Time < q.Time || p.Time == q.Time && p.Seq < q.Seq
}

// A block is a header and a payload. All numbers are little-endian.
//
//	magic u32, length of the payload u32, CRC-32C of the payload u32, events u32,
//	first seq u64, first time i64, last time i64, ingested i64
//
// The payload holds for each event the difference of its time to the one before
// (varint), the length of the message (uvarint) and the message.
const (
	magic      = 0x3147_4f4c // "LOG1"
	headerSize = 4*4 + 4*8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// block is what memory keeps of a block on disk.
type block struct {
	segment  int
	offset   int64 // of the payload
	length   uint32
	sum      uint32
	count    uint32
	firstSeq uint64
	first    int64 // time of the first event, which is the earliest
	last     int64 // time of the last event, which is the latest
	ingested int64
}

func (b *block) start() Position { return Position{b.first, b.firstSeq} }
func (b *block) end() Position   { return Position{b.last, b.firstSeq + uint64(b.count) - 1} }

// encodeBlock makes the bytes of a block of events, which must be in order of time.
func encodeBlock(events []Event, firstSeq uint64) []byte {
	size := headerSize
	for _, e := range events {
		size += len(e.Message) + 12
	}
	out := make([]byte, headerSize, size)
	previous := events[0].Time
	for _, e := range events {
		out = binary.AppendVarint(out, e.Time-previous)
		out = binary.AppendUvarint(out, uint64(len(e.Message)))
		out = append(out, e.Message...)
		previous = e.Time
	}
	payload := out[headerSize:]
	h := binary.LittleEndian.AppendUint32(out[:0:headerSize], magic)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(payload)))
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(payload, castagnoli))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(events)))
	h = binary.LittleEndian.AppendUint64(h, firstSeq)
	h = binary.LittleEndian.AppendUint64(h, uint64(events[0].Time))
	h = binary.LittleEndian.AppendUint64(h, uint64(previous))
	binary.LittleEndian.AppendUint64(h, uint64(events[0].Ingested))
	return out
}

var errNotBlock = errors.New("not a block")

// parseHeader reads a block's header; offset and segment are the caller's to set.
func parseHeader(h []byte) (block, error) {
	if len(h) < headerSize || binary.LittleEndian.Uint32(h) != magic {
		return block{}, errNotBlock
	}
	b := block{
		length: binary.LittleEndian.Uint32(h[4:]), sum: binary.LittleEndian.Uint32(h[8:]), count: binary.LittleEndian.Uint32(h[12:]),
		firstSeq: binary.LittleEndian.Uint64(h[16:]), first: int64(binary.LittleEndian.Uint64(h[24:])),
		last: int64(binary.LittleEndian.Uint64(h[32:])), ingested: int64(binary.LittleEndian.Uint64(h[40:])),
	}
	if b.count == 0 || b.length < b.count*2 || b.last < b.first {
		return block{}, errNotBlock
	}
	return b, nil
}

// decodePayload returns the events of a block.
func decodePayload(b block, payload []byte) ([]Event, error) {
	if crc32.Checksum(payload, castagnoli) != b.sum {
		return nil, fmt.Errorf("a block of log events is damaged")
	}
	text := string(payload) // one copy; messages are parts of it
	events := make([]Event, 0, b.count)
	time, at := b.first, 0
	for i := range b.count {
		delta, n := binary.Varint(payload[at:])
		if n <= 0 {
			return nil, errNotBlock
		}
		at += n
		length, n := binary.Uvarint(payload[at:])
		if n <= 0 || length > uint64(len(payload)-at-n) {
			return nil, errNotBlock
		}
		at += n
		time += delta
		events = append(events, Event{Time: time, Ingested: b.ingested, Seq: b.firstSeq + uint64(i), Message: text[at : at+int(length)]})
		at += int(length)
	}
	return events, nil
}
