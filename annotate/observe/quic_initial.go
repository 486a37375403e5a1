package observe

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
)

// A client's first Initial packet is protected with keys that are made from its
// destination connection identifier, which stands in the packet (RFC 9001
// section 5.2). So a packet that opens with them is a client's: no other end
// made the identifier up. Later Initial packets, and a server's, go to other
// identifiers and do not open.

// quicSalts are the salts of the versions that quicKnown knows, and the labels of
// the keys (RFC 9001 section 5.2, RFC 9369 section 3.3; the drafts changed the
// salt twice).
var quicSalts = [...]struct {
	of              func(version uint32) bool
	salt            string
	key, iv, header string
}{
	{func(v uint32) bool { return v == quicVersion1 || v == 0xff000021 || v == 0xff000022 },
		"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", "quic key", "quic iv", "quic hp"},
	{func(v uint32) bool { return v == quicVersion2 },
		"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9", "quicv2 key", "quicv2 iv", "quicv2 hp"},
	{func(v uint32) bool { return v >= 0xff00001d && v <= 0xff000020 },
		"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99", "quic key", "quic iv", "quic hp"},
	{func(v uint32) bool { return v >= 0xff000017 && v <= 0xff00001c },
		"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02", "quic key", "quic iv", "quic hp"},
}

// quicOpens reports whether the Initial packet in b, whose header is h, whose
// packet number is at number and which ends at end, opens with the keys of a
// client's first one: whether frames come out. What b lacks of the packet is not
// needed; the packet's authentication tag, which may be there, is not checked.
func quicOpens(b []byte, h *quicLong, number, end int) Strength {
	const sample = 16 // bytes of the protected payload that the header's protection is made from, from 4 behind number on
	if len(h.dcid) < 8 || len(b) < number+4+sample {
		return None
	}
	var keys int
	for keys = range quicSalts {
		if quicSalts[keys].of(h.version) {
			break
		}
	}
	s := &quicSalts[keys]
	if !s.of(h.version) {
		return None
	}
	initial := hmac256([]byte(s.salt), h.dcid)
	secret := expandLabel(initial[:], "client in", sha256.Size)
	hp := expandLabel(secret[:], s.header, aes.BlockSize)
	header, err := aes.NewCipher(hp[:aes.BlockSize])
	if err != nil {
		return None
	}
	var mask [aes.BlockSize]byte
	header.Encrypt(mask[:], b[number+4:number+4+sample])
	first := b[0] ^ mask[0]&0x0f
	if first&0x0c != 0 { // reserved
		return None
	}
	size := int(first&3) + 1
	key, iv := expandLabel(secret[:], s.key, aes.BlockSize), expandLabel(secret[:], s.iv, 12)
	payload, err := aes.NewCipher(key[:aes.BlockSize])
	if err != nil {
		return None
	}
	w := quicFrames{b: b[number+size : min(len(b), end-16)], cipher: payload, limit: end - 16 - number - size}
	copy(w.counter[:12], iv[:12])
	for i := range size { // the nonce
		w.counter[12-size+i] ^= b[number+i] ^ mask[1+i]
	}
	return w.judge()
}

// quicFrames reads the frames of a packet, of which it opens no more than it
// needs.
type quicFrames struct {
	b       []byte // the protected payload, as far as it is there
	limit   int    // its length on the wire
	cipher  interface{ Encrypt(dst, src []byte) }
	counter [aes.BlockSize]byte
	block   int // the number of the key's block, plus one; 0 is none
	stream  [aes.BlockSize]byte
	at      int
}

// next gives a byte of the payload; ok is false at its end.
func (w *quicFrames) next() (c byte, ok bool) {
	if w.at >= len(w.b) {
		return 0, false
	}
	if n := w.at/aes.BlockSize + 1; n != w.block {
		binary.BigEndian.PutUint32(w.counter[12:], uint32(n)+1) // counter 1 is for the tag (NIST SP 800-38D section 7.1)
		w.cipher.Encrypt(w.stream[:], w.counter[:])
		w.block = n
	}
	c = w.b[w.at] ^ w.stream[w.at%aes.BlockSize]
	w.at++
	return c, true
}

// number reads a variable-length integer (RFC 9000 section 16).
func (w *quicFrames) number() (v uint64, ok bool) {
	c, ok := w.next()
	if !ok {
		return 0, false
	}
	v = uint64(c & 0x3f)
	for range 1<<(c>>6) - 1 {
		if c, ok = w.next(); !ok {
			return 0, false
		}
		v = v<<8 | uint64(c)
	}
	return v, true
}

// judge says whether what comes out are the frames of a client's first packets
// (RFC 9000 section 12.4): CRYPTO with parts of a ClientHello, among PING and
// PADDING.
func (w *quicFrames) judge() Strength {
	const crypto, clientHello = 6, 1
	parts := 0
	for {
		kind, ok := w.next()
		switch {
		case !ok && parts > 1:
			return Full
		case !ok && parts == 1:
			return Likely
		case !ok:
			return None
		case kind == 0 || kind == 1: // PADDING, PING
			continue
		case kind != crypto:
			return None
		}
		offset, _ := w.number()
		size, ok := w.number()
		if !ok {
			if parts > 1 {
				return Full
			}
			return None
		}
		if size == 0 || offset > 1<<16 || size > uint64(w.limit-w.at) {
			return None
		}
		parts++
		if end := w.at + int(size); offset == 0 {
			// A message's type, and the first byte of its length.
			if c, ok := w.next(); ok && c != clientHello {
				return None
			}
			if c, ok := w.next(); ok {
				if c != 0 {
					return None
				}
				return Full
			}
			w.at = end
		} else {
			w.at = end
		}
	}
}

// hmac256 is HMAC-SHA256 (RFC 2104) of up to 64 bytes under a key of up to 64,
// without allocation.
func hmac256(key, message []byte) [sha256.Size]byte {
	var inner, outer [2 * sha256.BlockSize]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := sha256.BlockSize + copy(inner[sha256.BlockSize:], message)
	sum := sha256.Sum256(inner[:n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:sha256.BlockSize+sha256.Size])
}

// expandLabel is HKDF-Expand-Label (RFC 8446 section 7.1) without a context, of up
// to 32 bytes.
func expandLabel(secret []byte, label string, size int) [sha256.Size]byte {
	var info [64]byte
	info[1], info[2] = byte(size), byte(len("tls13 ")+len(label))
	n := 3 + copy(info[3:], "tls13 ")
	n += copy(info[n:], label)
	info[n+1] = 1 // an empty context, and the number of the block
	return hmac256(secret, info[:n+2])
}
