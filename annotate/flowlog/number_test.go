package flowlog

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseProtocol(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint8
		ok   bool
	}{
		{"tcp", 6, true}, {"TCP", 6, true}, {"Tcp", 6, true}, {"6", 6, true}, {"06", 6, true}, {"255", 255, true}, {"0", 0, true},
		{"UDP", 17, true}, {"udplite", 136, true}, {"UDP-Lite", 136, true}, {"UDPLite", 136, true}, {"sctp", 132, true}, {"DCCP", 33, true},
		{"ICMP", 1, true}, {"IPv6-ICMP", 58, true}, {"icmp6", 58, true}, {"ipv6_icmp", 58, true}, {"HOPOPT", 0, true}, {"GRE", 47, true},
		{"ESP", 50, true}, {"ospf", 89, true}, {"OSPFIGP", 89, true}, {"IPv4", 4, true}, {"hip", 139, true}, {"shim6", 140, true},
		{"UDP-L", 136, true}, {"ETHIP", 97, true}, {"IPcmp", 108, true}, {"3PC", 34, true}, {"0hop", 114, true}, {"IDPR", 35, true}, {"S-RPC", 90, true}, // nfdump's
		{"", 0, false}, {"256", 0, false}, {"-1", 0, false}, {"6x", 0, false}, {"tpc", 0, false}, {"?", 0, false}, {strings.Repeat("t", 100), 0, false},
	} {
		got, ok := parseProtocol([]byte(c.in))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %d %v, want %d %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// The readers of numbers agree with the standard library where that takes the
// same texts.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "65535", "65536", "-1", "+1", "00080", "18446744073709551615", "18446744073709551616", "12345678", "9999999999999999999", "1789376400000000001", "1234567/", "12345678901234:6", "1234\xb056",
		"192.0.2.1", "1.2.3", "256.1.1.1", "1.2.3.4.5", "01.2.3.4", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8::", ":::", "1..2.3",
		"1789376400.123456", "1789376400", ".5", "1.2.3", "9999999999.999999999",
		"2026-09-14T09:00:00.123456+0000", "2026-09-14T09:00:00Z", "2026-09-14 09:00:00.5+02:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := []byte(s)
		n, err := strconv.ParseUint(s, 10, 16)
		if p, ok := parsePort(b); ok != (err == nil) && len(s) <= 20 || ok && uint64(p) != n {
			t.Errorf("port %q: %d %v, strconv %d %v", s, p, ok, n, err)
		}
		m, err := strconv.ParseUint(s, 10, 64)
		if v, ok := parseUint(b, 1<<64-1); ok != (err == nil) && len(s) <= 20 || ok && v != m {
			t.Errorf("number %q: %d %v, strconv %d %v", s, v, ok, m, err)
		}
		// Zones are left out; leading zeros in IPv4 are let through.
		plain, _, _ := strings.Cut(s, "%")
		if want, err := netip.ParseAddr(plain); err == nil && (plain == s || strings.Contains(plain, ":")) {
			if got := parseAddr(b); got != want.Unmap() {
				t.Errorf("address %q: %v, netip %v", s, got, want)
			}
		}
		if got := parseAddr(b); got.IsValid() && !strings.ContainsAny(s, ".:") {
			t.Errorf("address %q: %v", s, got)
		}
		if len(s) >= 20 && s[10] == 'T' {
			if want, err := time.Parse(time.RFC3339Nano, s); err == nil && want.Year() >= 1970 && want.Year() < 2262 && !strings.Contains(s, ",") {
				if got := parseRFC3339(b); got != want.UnixNano() {
					t.Errorf("time %q: %d, time.Parse %d", s, got, want.UnixNano())
				}
			}
		}
		parseSeconds(b)
		parseTime(b)
	})
}

func TestParseTimes(t *testing.T) {
	const at = 1789376400 // 2026-09-14T09:00:00Z
	for s, want := range map[string]int64{
		"1789376400": at * 1e9, "1789376400.5": at*1e9 + 5e8, "1789376400.123456789": at*1e9 + 123456789, "1789376400.1234567891": at*1e9 + 123456789,
		"1789376400123": at*1e9 + 123e6, "1789376400123456": at*1e9 + 123456e3, "1789376400123456789": at*1e9 + 123456789,
		"2026-09-14T09:00:00Z": at * 1e9, "2026-09-14T09:00:00.25Z": at*1e9 + 25e7, "2026-09-14 09:00:00,25": at*1e9 + 25e7,
		"2026-09-14T11:00:00+0200": at * 1e9, "2026-09-14T11:00:00+02:00": at * 1e9, "2026-09-14T04:00:00.5-05:00": at*1e9 + 5e8, "2026-09-14T09:00:00": at * 1e9,
		"": 0, "-": 0, "soon": 0, "1e9": 0, "12345678901": 0, "2026-09-14": 0, "2026-09-14T09:00:00X": 0, "2026-09-14T09:00:00+2": 0, "2026-09-14T09:00:00+02:0": 0,
	} {
		if got := parseTime([]byte(s)); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestOpeningOf(t *testing.T) {
	for flags, want := range map[string]string{"......S.": "destination", "...A..S.": "none", "....RSF": "destination", "2": "destination", "18": "none", "27": "none", "16": "none", "": "none", "0": "none"} {
		if got := openingOf(parseFlags([]byte(flags))).Server.String(); got != want {
			t.Errorf("flags %q: server %s, want %s", flags, got, want)
		}
	}
}

// Of a SYN-ACK whose SYN it did not see, Argus says that it goes to the
// server; its word on the direction does not count then.
func TestArgusAnswer(t *testing.T) {
	for state, want := range map[string]bool{
		"ACC": true, "SA_": true, "SA_R": true, "SA_A": true,
		"": false, "REQ": false, "CON": false, "FIN": false, "S_": false, "S_SA": false, "SPA_SA": false, "_SA": false, "PA_": false,
	} {
		if got := argusAnswer([]byte(state)); got != want {
			t.Errorf("state %q: %v, want %v", state, got, want)
		}
	}
}
