package observe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// sealInitial makes a client's Initial packet of 1,200 bytes as RFC 9001 section 5
// says, with the keys that the standard library derives.
func sealInitial(t testing.TB, version int, dcid, scid, frames string) string {
	salt, prefix, first := "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic", 0xc3
	if version == 0x6b3343cf {
		salt, prefix, first = "0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2", 0xd3
	}
	raw, err := hex.DecodeString(salt)
	if err != nil {
		t.Fatal(err)
	}
	expand := func(secret []byte, label string, n int) []byte {
		out, err := hkdf.Expand(sha256.New, secret, cat(u16(n), vec8("tls13 "+label), 0), n)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	initial, err := hkdf.Extract(sha256.New, []byte(dcid), raw)
	if err != nil {
		t.Fatal(err)
	}
	secret := expand(initial, "client in", 32)
	block, _ := aes.NewCipher(expand(secret, prefix+" key", 16))
	aead, _ := cipher.NewGCM(block)
	header := cat(first, u32(version), vec8(dcid), vec8(scid), 0)
	number := "\x00\x00\x00\x02"
	size := 1200 - len(header) - 2 - len(number) - 16
	frames += zeros(size - len(frames))
	header += u16(0x4000|(len(number)+size+16)) + number
	nonce := expand(secret, prefix+" iv", 12)
	nonce[11] ^= 2
	packet := append([]byte(header), aead.Seal(nil, nonce, []byte(frames), []byte(header))...)
	at := len(header) - len(number)
	mask := make([]byte, 16)
	block, _ = aes.NewCipher(expand(secret, prefix+" hp", 16))
	block.Encrypt(mask, packet[at+4:at+20])
	packet[0] ^= mask[0] & 0x0f
	for i := range number {
		packet[at+i] ^= mask[1+i]
	}
	return string(packet)
}

// quicFrame is a CRYPTO frame.
func quicFrame(offset int, data string) string {
	return cat(6, u16(0x4000|offset), u16(0x4000|len(data)), data)
}

// TestInitial: a client's first Initial packet opens with the keys of the
// identifier in it, and nothing else does.
func TestInitial(t *testing.T) {
	hello := "\x01\x00\x01\x2c\x03\x03" + filler(298)
	id := "\x83\x94\xc8\xf0\x3e\x51\x57\x08" // RFC 9001 appendix A
	const v2 = 0x6b3343cf
	for _, c := range []struct {
		name, packet string
		want         Strength
	}{
		{"version 1", sealInitial(t, 1, id, "", quicFrame(0, hello)), Full},
		{"version 2", sealInitial(t, v2, id, "abcd", quicFrame(0, hello)), Full},
		{"the hello in parts and out of order", sealInitial(t, 1, id, "", quicFrame(100, hello[100:160])+"\x01\x00\x00"+quicFrame(60, hello[60:100])+quicFrame(0, hello[:60])), Full},
		{"a part whose end is not seen", sealInitial(t, 1, id, "", quicFrame(0, hello)), Full},
		{"another message", sealInitial(t, 1, id, "", quicFrame(0, "\x02"+hello[1:])), None},
		{"a frame that Initial packets do not have", sealInitial(t, 1, id, "", "\x08\x00"+quicFrame(0, hello)), None},
		{"nothing but padding", sealInitial(t, 1, id, "", ""), None},
		{"under another identifier", func() string {
			p := []byte(sealInitial(t, 1, id, "", quicFrame(0, hello)))
			p[8] ^= 1
			return string(p)
		}(), None},
	} {
		for _, n := range []int{1200, 256} {
			h, _ := quicHeader([]byte(c.packet))
			got := quicOpens([]byte(c.packet[:n]), &h, h.end+3, 1200)
			if got != c.want && !(c.want == None && n < 1200 && got == Likely) {
				t.Errorf("%s, %d bytes: %v, want %v", c.name, n, got, c.want)
			}
			s := sample{transport: udp, sent: [2]string{c.packet[:n]}, cut: 1200 - n}
			o := Recognise(s.input())
			if o.Protocol != QUIC || (o.ServerStrength == Full) != (c.want == Full) || c.want == Full && o.Server != Destination {
				t.Errorf("%s, %d bytes: %v, server %v, %v", c.name, n, o.Protocol, o.Server, o.ServerStrength)
			}
		}
	}
	// A second Initial packet, or a server's: the identifiers are short.
	for _, packet := range []string{quicPacket(0xc3, 1, "\x06\x1d\x82\x04", "\xbf\x4d\x3b\x00", "\x00", 1182), quicPacket(0xc3, 1, filler(8), filler(9), "\x00", 1160)} {
		s := sample{transport: udp, sent: [2]string{packet}}
		if o := Recognise(s.input()); o.Protocol != QUIC || o.Server != NoSide {
			t.Errorf("identifiers of %d and %d bytes: %v, server %v", packet[5], packet[6+packet[5]], o.Protocol, o.Server)
		}
	}
}
