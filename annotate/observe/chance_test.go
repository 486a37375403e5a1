package observe

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
)

// chancePayload fills b with bytes that are of no protocol but look like
// something, and gives a name for what they look like.
func chancePayload(r *rand.Rand, b []byte, first string) string {
	random := func(b []byte) {
		i := 0
		for ; i+8 <= len(b); i += 8 {
			binary.LittleEndian.PutUint64(b[i:], r.Uint64())
		}
		for ; i < len(b); i++ {
			b[i] = byte(r.Uint32())
		}
	}
	n := uint32(len(b))
	switch r.IntN(8) {
	case 0:
		random(b)
		return "random"
	case 1, 2: // the recogniser's first byte, as dispatch gives it
		random(b)
		if first != "" {
			b[0] = first[r.IntN(len(first))]
		}
		return "random after a first byte that fits"
	case 3: // and a length where many protocols have it
		random(b)
		if first != "" {
			b[0] = first[r.IntN(len(first))]
		}
		switch r.IntN(8) {
		case 0:
			binary.BigEndian.PutUint16(b, uint16(n-2))
		case 1:
			binary.BigEndian.PutUint16(b[2:], uint16(n))
		case 2:
			binary.BigEndian.PutUint32(b, n-4)
		case 3:
			binary.LittleEndian.PutUint32(b, n)
		case 4:
			binary.BigEndian.PutUint16(b[4:], uint16(n-6))
		case 5:
			binary.BigEndian.PutUint16(b[2:], uint16(n-4))
		case 6:
			b[1] = byte(n - 2)
		case 7:
			binary.BigEndian.PutUint32(b[4:], n)
		}
		return "random behind a length"
	case 4: // numbers that are mostly small, as in structures
		for i := 0; i < len(b); i += 8 {
			x := r.Uint64()
			for j := i; j < min(i+8, len(b)); j++ {
				switch c := byte(x); {
				case c < 160:
					b[j] = 0
				case c < 224:
					b[j] = c & 15
				default:
					b[j] = byte(r.Uint32())
				}
				x >>= 8
			}
		}
		return "small numbers"
	case 5: // lines of words and numbers
		const letters = "etaoinshrdlucmfwypvbgkjqxz"
		for i := range b {
			switch x := r.Uint32(); {
			case x>>24 < 30:
				b[i] = ' '
			case x>>24 < 36:
				b[i] = '\n'
				if i > 0 {
					b[i-1] = '\r'
				}
			case x>>24 < 50:
				b[i] = byte('0' + x%10)
			case x>>24 < 60:
				b[i] = ":*+-$.,/={}\"<>"[x%14]
			case x>>24 < 90:
				b[i] = letters[x%26] - 'a' + 'A'
			default:
				b[i] = letters[x%26]
			}
		}
		if first != "" && r.IntN(2) == 0 {
			if c := first[r.IntN(len(first))]; c >= ' ' && c <= '~' {
				b[0] = c
			}
		}
		return "text"
	case 6: // TLS records, behind a length now and then
		random(b)
		at := 0
		if r.IntN(4) == 0 {
			binary.BigEndian.PutUint16(b, uint16(n-2))
			at = 2
		}
		b[at], b[at+1], b[at+2] = byte(20+r.IntN(4)), 3, byte(r.IntN(5))
		binary.BigEndian.PutUint16(b[at+3:], uint16(r.IntN(17000)))
		return "TLS record"
	default: // compressed
		random(b)
		copy(b, [...]string{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "\x28\xb5\x2f\xfd", "PK\x03\x04\x14\x00\x00\x00\x08\x00", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "\xff\xd8\xff\xe0\x00\x10JFIF\x00"}[r.IntN(5)])
		return "compressed"
	}
}

// TestChance checks that nothing but a protocol is a full match: each
// recogniser looks at payloads that chance made, which have its first byte,
// or a length that fits, more often than chance would have it.
func TestChance(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 20_000
	}
	if *chanceRounds > 0 {
		rounds = *chanceRounds
	}
	var data [600]byte
	var empty message
	for i := range industry {
		rec := &industry[i]
		r := rand.New(rand.NewPCG(uint64(i), 7))
		likely := 0
		for range rounds {
			n := max(rec.min, 20) + r.IntN(60)
			switch r.IntN(16) {
			case 0:
				n += r.IntN(400)
			case 1:
				n = max(rec.min, 20)
			}
			b := data[:n:n]
			kind := chancePayload(r, b, rec.first)
			ti := 0
			for rec.transports>>ti&1 == 0 || rec.transports>>(ti+1) != 0 && r.IntN(2) == 0 {
				ti++
			}
			m := message{b: b, n: n, stream: ti == 0, peer: &empty}
			if ti == 2 {
				m.ppid = r.Uint32() >> r.IntN(32)
			}
			switch found := rec.find(&m); found.strength {
			case Full:
				t.Errorf("%v: %s is a full match: %s\n%x", found.protocol, kind, found.reason, b)
			case Likely:
				likely++
			}
		}
		if likely > rounds/500 {
			t.Errorf("%v: %d of %d payloads are likely, which is more than one in 500", rec.protocol, likely, rounds)
		}
		if testing.Verbose() {
			t.Logf("%v: %d of %d likely", rec.protocol, likely, rounds)
		}
	}
}

var chanceRounds = flag.Int("chance", 0, "payloads a recogniser in TestChance, instead of 100000")
