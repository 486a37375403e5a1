package iana

import (
	"slices"
	"strings"
	"testing"
)

// Each test here pins one fact of the embedded edition, most of them odd ones.
// A refresh that changes a fact is to change its test with it.

// fact compares an answer with what is known of it.
type fact struct {
	transport Transport
	port      uint16
	status    Status
	names     string // joined with blanks
}

func checkFacts(t *testing.T, list ...fact) {
	t.Helper()
	for _, w := range list {
		e := Embedded().Lookup(w.transport, w.port)
		if got := strings.Join(e.Names(), " "); e.Status != w.status || got != w.names {
			t.Errorf("%d/%s: %s %q: want %s %q", w.port, w.transport, e.Status, got, w.status, w.names)
		}
	}
}

// ports gives the ports of a transport that a test holds for.
func ports(t Transport, f func(Entry) bool) []uint16 {
	var list []uint16
	for p := range 1 << 16 {
		if e := Embedded().Lookup(t, uint16(p)); f(e) {
			list = append(list, e.Port)
		}
	}
	return list
}

func assigned(e Entry) bool { return e.Status == Assigned }

func TestFactEdition(t *testing.T) {
	want := Edition{
		Date:    "2026-08-17",
		Source:  "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml",
		SHA256:  "4bbf00ef4dd194ea3098d090b42a832c0f8aef704699956a4a7e24576a49631b",
		Form:    "embedded",
		Records: 14533,
	}
	if got := Embedded().Edition(); got != want {
		t.Errorf("%+v", got)
	}
	if !Embedded().Coverage().Complete() {
		t.Error("does not cover all ports")
	}
}

func TestFactRecordCounts(t *testing.T) {
	c := Embedded().Counts()
	if c.Records != 14533 {
		t.Errorf("%d records", c.Records)
	}
	if want := [NumTransports]int{NoTransport: 1467, TCP: 6606, UDP: 6356, SCTP: 93, DCCP: 11}; c.ByTransport != want {
		t.Errorf("records by transport: %v", c.ByTransport)
	}
	if c.WithoutPort != 1070 {
		t.Errorf("%d names without port", c.WithoutPort)
	}
}

func TestFactPortsByStatus(t *testing.T) {
	c := Embedded().Counts()
	for tr, want := range map[Transport][NumStatuses]int{
		NoTransport: {},
		TCP:         {Assigned: 6155, Reserved: 250, Unassigned: 42747, Dynamic: 16384},
		UDP:         {Assigned: 5762, Reserved: 635, Unassigned: 42755, Dynamic: 16384},
		SCTP:        {Assigned: 278, Reserved: 44, Unassigned: 48830, Dynamic: 16384},
		DCCP:        {Assigned: 199, Reserved: 44, Unassigned: 48909, Dynamic: 16384},
	} {
		if c.Ports[tr] != want {
			t.Errorf("%s: %v: want %v", tr, c.Ports[tr], want)
		}
	}
}

// Absence of a record means unassigned (RFC 6335 section 6).
func TestFactUnlistedPorts(t *testing.T) {
	c := Embedded().Counts()
	if want := [NumTransports]int{TCP: 17, UDP: 19, SCTP: 6114, DCCP: 6195}; c.Unlisted != want {
		t.Errorf("%v", c.Unlisted)
	}
	for port := range uint16(FirstDynamic) {
		listed := false
		for _, tr := range Transports() {
			listed = listed || Embedded().Lookup(tr, port).Listed
		}
		if !listed {
			t.Errorf("%d has no record on any transport", port)
		}
	}
	e := Embedded().Lookup(SCTP, 53)
	if e.Status != Unassigned || e.Listed || e.Siblings().String() != "tcp,udp" || e.Precedence != NoRecord {
		t.Errorf("53/sctp: %+v siblings %s", e, e.Siblings())
	}
}

// The ports from 49152 up are dynamic by rule; no record concerns them.
func TestFactDynamicPorts(t *testing.T) {
	for tr := range Transport(NumTransports) {
		for p := FirstDynamic; p <= 65535; p++ {
			if e := Embedded().Lookup(tr, uint16(p)); e.Status != Dynamic || e.Listed || e.Range() != DynamicPorts {
				t.Fatalf("%d/%s: %+v", p, tr, e)
			}
		}
	}
	for rec := range Embedded().Records() {
		if rec.HasPort && rec.Ports.Last >= FirstDynamic {
			t.Errorf("record for dynamic ports: %+v", rec)
		}
	}
}

func TestFactAssignedWithoutTransport(t *testing.T) {
	var got []string
	for rec := range Embedded().Records() {
		if rec.Name != "" && rec.HasPort && rec.Transport == NoTransport {
			got = append(got, rec.Ports.String()+" "+rec.Name)
		}
	}
	want := []string{
		"3322-3325 active-net", "3367-3371 satvid-datalnk", "4200-4299 vrml-multi-use",
		"6400 boe-cms", "6401 boe-was", "6402 boe-eventsrv", "6403 boe-cachesvr", "6404 boe-filesvr",
		"6405 boe-pagesvr", "6406 boe-processsvr", "6407 boe-resssvr1", "6408 boe-resssvr2",
		"6409 boe-resssvr3", "6410 boe-resssvr4", "7300-7359 swx", "27000-27009 flex-lm",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d: %q", len(got), got)
	}
	for _, tr := range []Transport{NoTransport, TCP, UDP, SCTP, DCCP} {
		e := Embedded().Lookup(tr, 4242)
		if e.Status != Assigned || !e.TransportUnspecified || e.Name() != "vrml-multi-use" || e.Precedence != RangeAnyTransport {
			t.Errorf("4242/%s: %+v", tr, e)
		}
	}
	if e := Embedded().Lookup(TCP, 6400); !e.TransportUnspecified || e.Precedence != ExactAnyTransport {
		t.Errorf("6400/tcp: %+v", e)
	}
}

func TestFactNamedRangesWithTransport(t *testing.T) {
	var got []string
	for rec := range Embedded().Records() {
		if rec.Name != "" && rec.Ports.First != rec.Ports.Last && rec.Transport != NoTransport {
			got = append(got, rec.Ports.String()+"/"+rec.Transport.String()+" "+rec.Name)
		}
	}
	if want := []string{"6000-6063/tcp x11", "6000-6063/udp x11", "6665-6669/tcp ircu"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if e := Embedded().Lookup(TCP, 6010); e.Span() != (Span{6000, 6063}) || e.Precedence != RangeTransport {
		t.Errorf("6010/tcp: %v", e.Span())
	}
}

func TestFactSeveralNames(t *testing.T) {
	if n := Embedded().Counts().MultiName; n != 226 {
		t.Errorf("%d ports with several names", n)
	}
	checkFacts(t,
		fact{TCP, 80, Assigned, "http www www-http"}, // www: "a duplicate of the http service"
		fact{UDP, 80, Assigned, "http www www-http"},
		fact{SCTP, 80, Assigned, "http"},
		fact{TCP, 465, Assigned, "submissions urd"}, // RFC 8314 against no RFC
		fact{UDP, 465, Assigned, "igmpv3lite"},
		fact{TCP, 631, Assigned, "ipp ipps"}, // both cite an RFC, ipp has no date
		fact{UDP, 631, Assigned, "ipp"},
		fact{TCP, 63, Assigned, "whoispp whois++"}, // the old name is an alias
		fact{TCP, 4444, Assigned, "krb524 nv-video"},
		fact{UDP, 5349, Assigned, "stun-behaviors stuns turns"},
	)
}

// A port has at most three names.
func TestFactMostNames(t *testing.T) {
	most := 0
	for _, tr := range Transports() {
		for p := range 1 << 16 {
			most = max(most, Embedded().Lookup(tr, uint16(p)).NumNames())
		}
	}
	if most != 3 {
		t.Errorf("most names of a port: %d", most)
	}
}

func TestFactMalformedNames(t *testing.T) {
	bad := map[string]bool{}
	all := map[string]bool{}
	for rec := range Embedded().Records() {
		if rec.Name == "" {
			continue
		}
		all[rec.Name] = true
		if ValidName(rec.Name) != nil {
			bad[rec.Name] = true
		}
	}
	if len(bad) != 97 || len(all) != 7327 {
		t.Errorf("%d of %d names break the syntax", len(bad), len(all))
	}
	for _, name := range []string{"whois++", "sql*net", "EtherNet/IP-1"} {
		if !bad[name] {
			t.Errorf("%s is not among the malformed", name)
		}
	}
}

// 29 ports are assigned on SCTP alone; those of the 3GPP are the best known.
func TestFactSCTPOnly(t *testing.T) {
	only := ports(SCTP, func(e Entry) bool { return assigned(e) && e.Siblings() == 0 })
	if len(only) != 29 {
		t.Errorf("%d ports: %d", len(only), only)
	}
	checkFacts(t,
		fact{SCTP, 38412, Assigned, "ng-control"},
		fact{TCP, 38412, Reserved, ""},
		fact{UDP, 38412, Reserved, ""},
		fact{DCCP, 38412, Unassigned, ""},
		fact{SCTP, 36412, Assigned, "s1-control"},
	)
}

// The design counts 5,207 by leaving out ranges and records that name no
// transport; with them, 5,466 user ports are assigned for TCP.
func TestFactUserTCPPorts(t *testing.T) {
	user := ports(TCP, func(e Entry) bool { return assigned(e) && e.Range() == UserPorts })
	if len(user) != 5466 {
		t.Errorf("%d user ports are assigned for TCP", len(user))
	}
	single := 0
	ephemeral := 0 // of Linux: 32768 to 60999
	for _, p := range user {
		if Embedded().Lookup(TCP, p).Precedence == ExactTransport {
			single++
		}
		if p >= 32768 {
			ephemeral++
		}
	}
	if single != 5207 || ephemeral != 134 {
		t.Errorf("%d by a record of their own, %d inside Linux's ephemeral range", single, ephemeral)
	}
}

func TestFactOverlaps(t *testing.T) {
	checkFacts(t,
		fact{TCP, 7775, Assigned, "inetfs"},
		fact{UDP, 7775, Reserved, ""},
		fact{SCTP, 7775, Unassigned, ""},
		fact{TCP, 7997, Assigned, "pushns"},
	)
	e := Embedded().Lookup(TCP, 7775)
	if recs := e.Records(); len(recs) != 2 || e.Deciding() != 1 || recs[0].Name != "inetfs" || recs[1].Ports != (Span{7748, 7776}) {
		t.Errorf("records of 7775/tcp: %+v", e.Records())
	}
	if e := Embedded().Lookup(SCTP, 7775); !e.Listed || e.Precedence != RangeAnyTransport {
		t.Errorf("7775/sctp: %+v", e)
	}
}

// Ports may be assigned to a kind of use, without a name.
func TestFactAssignedUse(t *testing.T) {
	for port, desc := range map[uint16]string{
		24: "any private mail system",
		35: "any private printer server",
		57: "any private terminal access",
		59: "any private file service",
		75: "any private dial out service",
		77: "any private RJE service",
		87: "any private terminal link",
	} {
		for _, tr := range []Transport{TCP, UDP} {
			if e := Embedded().Lookup(tr, port); e.Status != Assigned || e.Name() != "" || e.Names() != nil || e.Description() != desc {
				t.Errorf("%d/%s: %s %q", port, tr, e.Status, e.Description())
			}
		}
	}
}

func TestFactReserved(t *testing.T) {
	checkFacts(t,
		fact{TCP, 0, Reserved, ""},
		fact{TCP, 1109, Reserved, ""}, // "Reserved - IANA"
		fact{UDP, 6667, Reserved, ""}, // a range, beside ircu on TCP
		fact{TCP, 6667, Assigned, "ircu"},
		fact{UDP, 1023, Reserved, ""},
		fact{TCP, 49151, Reserved, ""}, // IANA reserves the last user port
	)
	if e := Embedded().Lookup(TCP, 1109); e.Description() != "Reserved - IANA" {
		t.Errorf("1109: %q", e.Description())
	}
}

// Unassigned is said in many ways.
func TestFactUnassigned(t *testing.T) {
	for port, desc := range map[uint16]string{
		4:    "Unassigned",
		1895: "unassigned",
		2825: "(unassigned) Possibly assigned",
	} {
		if e := Embedded().Lookup(TCP, port); e.Status != Unassigned || !e.Listed || e.Description() != desc {
			t.Errorf("%d: %s %q", port, e.Status, e.Description())
		}
	}
	// A guess about use is no assignment.
	if e := Embedded().Lookup(UDP, 1008); e.Status != Unassigned || e.Description() != "Possibly used by Sun Solaris????" {
		t.Errorf("1008/udp: %s %q", e.Status, e.Description())
	}
}

// The registry tells of former assignments in descriptions and in notes, with
// and without a date and a name.
func TestFactDeassigned(t *testing.T) {
	for _, c := range []struct {
		transport Transport
		port      uint16
		status    Status
		date      string
		name      string
	}{
		{TCP, 2, Reserved, "2025-02-13", "compressnet"},         // "De-assigned on 2025-02-13, previously compressnet by ..."
		{UDP, 3, Reserved, "2025-02-13", "compressnet"},         //
		{TCP, 15, Unassigned, "", "netstat"},                    // "Unassigned [was netstat]"
		{TCP, 47, Reserved, "2017-05-18", ""},                   // "This entry has been removed on 2017-05-18."
		{SCTP, 51, Reserved, "2013-05-24", ""},                  // likewise, no transport named
		{TCP, 114, Unassigned, "2004-06", ""},                   // "Deprecated June 2004"
		{TCP, 585, Unassigned, "2006-04-25", ""},                // "De-registered", dated by its modification
		{TCP, 659, Unassigned, "2001-06-06", ""},                // "Removed", likewise
		{TCP, 831, Reserved, "2025-09-29", "NETCONF over BEEP"}, // "Previously assigned to ... but released by [RFC9900]"
		{TCP, 1028, Unassigned, "2004-02", ""},                  // "Deprecated"
		{TCP, 1783, Unassigned, "2000-04-14", ""},               // "Decomissioned Port 04/14/00, ms"
		{TCP, 2693, Unassigned, "2004-02-06", ""},               // "(Removed 2004-2-6)"
		{TCP, 2925, Unassigned, "2000-12-07", "FRP"},            // "Unassigned (FRP-Released 12/7/00)"
		{UDP, 3001, Reserved, "2006-05-25", ""},                 // "port 3001 previously "Removed on 2006-05-25""
		{TCP, 3980, Reserved, "2020-12-29", "acms"},             // "Historic usage was acms. De-Assigned on 2020-12-29"
		{TCP, 4501, Unassigned, "2001-06-08", ""},               // "De-registered 08 June 2001"
		{TCP, 9006, Unassigned, "2000-02-24", ""},               // "De-Commissioned Port", dated by its registration
		{UDP, 14001, Unassigned, "2001-06-06", "sua"},           // sua, "De-Registered"
		{UDP, 44323, Unassigned, "", "pcp"},                     // ""pcp" assignment withdrawn, moved to port 5351 per RFC6887"
	} {
		e := Embedded().Lookup(c.transport, c.port)
		d, ok := e.Deassigned()
		if e.Status != c.status || !ok || d != (Deassignment{c.date, c.name}) || e.Name() != "" {
			t.Errorf("%d/%s: %s %+v %v", c.port, c.transport, e.Status, d, ok)
		}
	}
	for _, c := range []struct {
		transport Transport
		port      uint16
	}{
		{TCP, 994},   // "(previous contact was ...)"
		{UDP, 3766},  // "this port was previously updated on 2009-06-19"
		{TCP, 3001},  // assigned again
		{TCP, 80},    // never was anything else
		{TCP, 4},     // unassigned, no more is told
		{SCTP, 53},   // no record
		{TCP, 50000}, // dynamic
		{UDP, 2049},  // "<== NOTE Conflict on 2049 !"
		{TCP, 27018}, // unassigned, used without an assignment
		{NoTransport, 80},
	} {
		if d, ok := Embedded().Lookup(c.transport, c.port).Deassigned(); ok {
			t.Errorf("%d/%s: %+v", c.port, c.transport, d)
		}
	}
}

// How many (port, transport) tell of a former assignment, counted by record.
func TestFactDeassignedCount(t *testing.T) {
	n := 0
	for _, w := range Embedded().allRows() {
		if w.freed {
			n++
		}
	}
	if n != 62 {
		t.Errorf("%d records", n)
	}
}

// A report of unauthorized use in a record for a range is about the ports that
// it names.
func TestFactUnauthorizedUse(t *testing.T) {
	for _, c := range []struct {
		transport Transport
		ports     Span
		named     []uint16
	}{
		{TCP, Span{6000, 6063}, []uint16{6003}},
		{SCTP, Span{788, 799}, []uint16{796}},
		{TCP, Span{2194, 2196}, []uint16{2194, 2195, 2196}},      // "ports 2194-2196"
		{TCP, Span{4489, 4499}, []uint16{4490, 4491}},            // "Ports 4490 and 4491"
		{UDP, Span{28011, 28079}, []uint16{28017, 28018, 28019}}, // "ports 28017, 28018 and 28019"
		{TCP, Span{44446, 44543}, []uint16{44515, 44516}},        // "Ports 44515 & 44516"
		{TCP, Span{41798, 42507}, []uint16{42000}},
		{TCP, Span{79, 79}, []uint16{79}},       // "... (see [RFC4146] for details)"
		{TCP, Span{7012, 7012}, []uint16{7012}}, // "Known Unauthorized Use on 7011"
		{TCP, Span{8010, 8010}, []uint16{8010}}, // "yes"
	} {
		var got []uint16
		for p := c.ports.First; p <= c.ports.Last; p++ {
			if Embedded().Lookup(c.transport, p).Unauthorized() != "" {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, c.named) {
			t.Errorf("%v/%s: %d: want %d", c.ports, c.transport, got, c.named)
		}
	}
	if got := Embedded().Lookup(TCP, 6003).Unauthorized(); got != "Known Unauthorized Use on port 6003" {
		t.Errorf("6003: %q", got)
	}
	if n := len(ports(TCP, func(e Entry) bool { return e.Unauthorized() != "" && e.Span() == (Span{33436, 33655}) })); n != 99 {
		t.Errorf("33436-33655 has %d ports, not those of 33436-33534", n)
	}
}

// The DCCP service code (RFC 4340 section 8.1.2): "DISC" as a number.
func TestFactServiceCode(t *testing.T) {
	if got := Embedded().Lookup(DCCP, 9).ServiceCode(); got != "1145656131" {
		t.Errorf("9/dccp: %q", got)
	}
	if got := Embedded().Lookup(TCP, 9).ServiceCode(); got != "" {
		t.Errorf("9/tcp: %q", got)
	}
}

func TestFactDates(t *testing.T) {
	e := Embedded().Lookup(DCCP, 1113)
	if e.Registered() != "2013-11-12" || e.Modified() != "2014-02-21" || !slices.Equal(e.References(), []string{"RFC7122"}) {
		t.Errorf("1113/dccp: %s %s %q", e.Registered(), e.Modified(), e.References())
	}
	for rec := range Embedded().Records() {
		for _, d := range []string{rec.Registered, rec.Modified} {
			if d != "" && (!datePattern.MatchString(d) || d < "1990" || d > "2026-08-17") {
				t.Errorf("%s: date %q", rec.Ports.String()+" "+rec.Name, d)
			}
		}
	}
}

// Names without a port are used with DNS-SD.
func TestFactNameWithoutPort(t *testing.T) {
	recs := Embedded().WithoutPort("DCCP-Ping")
	if len(recs) != 1 || recs[0].Transport != DCCP || recs[0].ServiceCode != "1885957735" {
		t.Errorf("dccp-ping: %+v", recs)
	}
	if list := Embedded().ByName("dccp-ping"); list != nil {
		t.Errorf("dccp-ping has ports: %v", list)
	}
}

func TestFactOllama(t *testing.T) {
	checkFacts(t, fact{TCP, 11434, Assigned, "ollama"})
}
