package annotate

import (
	"math/rand"
	"reflect"
	"testing"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// TestNotes: a note says all that was observed.
func TestNotes(t *testing.T) {
	hello := "\x16\x03\x01\x00\x5d\x01\x00\x00\x59\x03\x03" + string(make([]byte, 32)) + "\x00\x00\x02\x13\x01\x01\x00\x00\x2e" +
		"\x00\x00\x00\x10\x00\x0e\x00\x00\x0bexample.org\x00\x10\x00\x0e\x00\x0c\x02h2\x08http/1.1\x00\x2b\x00\x04\x03\x03\x04\x03"
	bind := "\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00\x01\x00\x00\x00\xb8\x10\xb8\x10\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00" +
		"\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\x00\x2b\x14\xa0\xfa\x03\x00\x00\x00" + string(make([]byte, 20))
	texts := []string{"", bind, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", hello, "SSH-2.0-OpenSSH_9.6\r\n",
		"220 mail.example.org ESMTP\r\n", "EHLO example.net\r\n", "EHLO example.net\r\nSTARTTLS\r\n", "\x00\x00", "nothing that is known, but long enough to say so for certain, of any length"}
	var o Observer
	var f flow.Flow
	names, alpn, upgrades, interfaces := 0, 0, 0, 0
	for _, protocol := range []uint8{packet.TCP, packet.UDP} {
		for _, a := range texts {
			for _, b := range texts {
				f = flow.Flow{Protocol: protocol}
				f.Payload[0] = flow.Payload{Data: []byte(a), Len: uint32(len(a))}
				f.Payload[1] = flow.Payload{Data: []byte(b), Len: uint32(len(b)) * 2}
				want := *o.Observe(&f)
				noted := flow.Flow{Protocol: protocol, Note: o.Note(nil, &f)}
				if got := *o.Observe(&noted); !sameObserved(got, want) {
					t.Errorf("%q, %q: %+v, want %+v", a, b, got, want)
				}
				names, alpn = names+len(want.ServerName), alpn+len(want.ALPN)
				if want.Upgrade {
					upgrades++
				}
				if want.Interface.String() == "e1af8308-5d1f-11c9-91a4-08002b14a0fa" {
					interfaces++
				}
			}
		}
	}
	if names == 0 || alpn == 0 || upgrades == 0 || interfaces == 0 {
		t.Errorf("%d bytes of names, %d of ALPN, %d upgrades, %d interfaces: the test tests nothing", names, alpn, upgrades, interfaces)
	}
	r := rand.New(rand.NewSource(1))
	for range 1000 {
		want := Observed{Examined: true, Observation: observe.Observation{Protocol: observe.Protocol(r.Intn(256)), Strength: observe.Strength(r.Intn(3)),
			Server: observe.Side(r.Intn(3)), ServerStrength: observe.Strength(r.Intn(3)), Peers: r.Intn(2) == 0, Upgrade: r.Intn(2) == 0, Seen: observe.Seen(r.Intn(3)), Reason: texts[r.Intn(len(texts))]}}
		random := func() (observe.Text, []byte) {
			if r.Intn(3) == 0 {
				return observe.Text{}, nil
			}
			b := make([]byte, r.Intn(300))
			r.Read(b)
			return observe.Text{Off: uint16(r.Intn(1 << 16)), Len: uint16(len(b)), From: observe.Side(1 + r.Intn(2))}, b
		}
		want.Name, want.ServerName = random()
		want.Observation.ALPN, want.ALPN = random()
		if r.Intn(2) == 0 {
			want.UUID = observe.Text{Off: uint16(r.Intn(1 << 16)), Len: uint16(len(want.Interface)), From: observe.Source}
			r.Read(want.Interface[:])
		}
		if got := observedOf(appendNote(nil, &want)); !sameObserved(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

// sameObserved does not tell an empty text from none.
func sameObserved(a, b Observed) bool {
	same := string(a.ServerName) == string(b.ServerName) && string(a.ALPN) == string(b.ALPN)
	a.ServerName, a.ALPN, b.ServerName, b.ALPN = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}
