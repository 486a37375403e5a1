package observe_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/testdata/observe/flows"
)

const captures = "../../../shared/captures/files"

// TestCaptures looks at real traffic, where there is any: texts must lie in
// the payload, each protocol must be met, and payloads that prove which end is
// the server must agree with the handshakes.
func TestCaptures(t *testing.T) {
	files, err := os.ReadDir(captures)
	if err != nil {
		t.Skipf("no captures: %v", err)
	}
	seen := map[observe.Protocol]int{}
	withHandshake, wrong := 0, 0
	for _, e := range files {
		list, err := flows.Read(filepath.Join(captures, e.Name()), 512)
		if err != nil {
			continue // not a capture
		}
		for _, f := range list {
			o := f.Ours
			if out := observe.LeftOut(&f.Input); len(out) > 0 {
				t.Errorf("%s %v: %v would match and are left out", f.File, f.Key, out)
			}
			for _, text := range []observe.Text{o.Name, o.ALPN} {
				if text.From != observe.NoSide && len(f.Input.Text(text)) == 0 {
					t.Errorf("%s %v: %v has no text at %+v", f.File, f.Key, o.Protocol, text)
				}
			}
			if o.Protocol == observe.Unknown {
				continue
			}
			seen[o.Protocol]++
			if f.Opener != observe.NoSide && o.Server != observe.NoSide {
				withHandshake++
				if o.Server == f.Opener {
					wrong++
				}
			}
		}
	}
	// The least that there is of each, by the names that nDPI and tshark give.
	for p, least := range map[observe.Protocol]int{
		observe.TLS: 600, observe.DTLS: 14, observe.SSH: 65, observe.HTTP: 1900, observe.HTTP2: 15, observe.QUIC: 220, observe.DNS: 2000, observe.MDNS: 60,
		observe.LLMNR: 360, observe.NetBIOSName: 140, observe.NetBIOSDatagram: 75, observe.DHCP: 85, observe.DHCPv6: 90, observe.NTP: 95, observe.SNMP: 35,
		observe.Syslog: 25, observe.TFTP: 8, observe.FTP: 28, observe.SMTP: 33, observe.POP3: 2, observe.IMAP: 7, observe.Telnet: 7, observe.IRC: 7,
		observe.SIP: 45, observe.RTSP: 10, observe.RTP: 15, observe.RTCP: 3, observe.STUN: 55, observe.SMB: 190, observe.RDP: 9, observe.VNC: 3,
		observe.LDAP: 110, observe.Kerberos: 120, observe.RADIUS: 75, observe.Diameter: 5, observe.BGP: 60, observe.LDP: 11, observe.BFD: 3,
		observe.XMPP: 7, observe.SSDP: 50,
	} {
		if seen[p] < least {
			t.Errorf("%v: %d flows, want at least %d", p, seen[p], least)
		}
	}
	t.Logf("%d flows with a handshake and a payload role, %d differ", withHandshake, wrong)
	if withHandshake < 1500 || wrong*100 > withHandshake {
		t.Errorf("the payload's server differs from the handshake's in %d of %d flows, want at most 1%%", wrong, withHandshake)
	}
}
