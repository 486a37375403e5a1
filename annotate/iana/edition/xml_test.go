package edition

import (
	"reflect"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// An XML document around some records.
func xmlDoc(body string) string {
	return `<?xml version='1.0' encoding='UTF-8'?>
<registry xmlns="http://www.iana.org/assignments" id="service-names-port-numbers">
  <title>Service Name and Transport Protocol Port Number Registry</title>
  <updated>2026-08-17</updated>
  <note>A <xref type="rfc" data="rfc6335"/> note.</note>
` + body + `
</registry>
`
}

func readXML(t testing.TB, doc string) (*iana.Registry, error) {
	t.Helper()
	return Read(strings.NewReader(doc), "f.xml")
}

func TestXMLRecord(t *testing.T) {
	reg, err := readXML(t, xmlDoc(`  <record date="2010-08-02" updated="2024-04-30">
    <name>nbd</name>
    <protocol>tcp</protocol>
    <assignee><xref type="person" data="A"/><xref type="person" data="B"/></assignee>
    <xref type="person" data="C"/>
    <xref type="note" data="1"/>
    <description>Network <br/> Block
      &amp; Device</description>
    <number> 10809-10810 </number>
    <xref type="rfc" data="rfc4340"/>
    <xref type="uri" data="http://x/">TR-352,
       2nd</xref>
    <xref type="text">ISO  1</xref>
    <sc>17</sc>
    <unauthorized>on 10810, see <xref type="rfc" data="rfc4146"/></unauthorized>
    <note><paragraph>one</paragraph><paragraph>two, by <xref type="person" data="D"/></paragraph></note>
    <unknown><xref type="rfc" data="rfc1"/></unknown>
  </record>
  <people><person id="C"><name>Cy</name><org>O</org><uri>mailto:c&amp;x</uri><updated>2003-11</updated></person></people>`))
	if err != nil {
		t.Fatal(err)
	}
	e := reg.Lookup(iana.TCP, 10809)
	want := iana.Record{
		Name: "nbd", Ports: iana.Span{First: 10809, Last: 10810}, HasPort: true, Transport: iana.TCP,
		Description: "Network Block & Device", Assignee: "[A][B]", Contact: "[C]",
		Registered: "2010-08-02", Modified: "2024-04-30",
		References:   []string{"1", "RFC4340", "TR-352, 2nd", "ISO 1"},
		ServiceCode:  "17",
		Unauthorized: "on 10810, see [RFC4146]",
		Notes:        "one two, by [D]",
		Line:         6,
	}
	if got := e.Records(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if e.Unauthorized() != "" || reg.Lookup(iana.TCP, 10810).Unauthorized() == "" {
		t.Error("unauthorized use is not of 10810 alone")
	}
	if c, ok := reg.Contact("C"); !ok || c != (iana.Contact{ID: "C", Name: "Cy", Organization: "O", URI: "mailto:c&x", Updated: "2003-11"}) {
		t.Errorf("contact %+v", c)
	}
	if ed := reg.Edition(); ed.Date != "2026-08-17" || ed.Form != "xml" || ed.Records != 1 || len(ed.SHA256) != 64 {
		t.Errorf("%+v", ed)
	}
}

// Without an assignee of its own, a record has its contact's.
func TestXMLAssigneeIsContact(t *testing.T) {
	reg, err := readXML(t, xmlDoc(`<record><name>a</name><number>1</number><protocol>tcp</protocol><xref type="person" data="P"/></record>`))
	if err != nil {
		t.Fatal(err)
	}
	if e := reg.Lookup(iana.TCP, 1); e.Assignee() != "[P]" || e.Contact() != "[P]" || e.References() != nil {
		t.Errorf("%q %q %q", e.Assignee(), e.Contact(), e.References())
	}
}

func TestXMLErrors(t *testing.T) {
	const good = `<record><name>a</name><number>1</number></record>`
	for _, c := range []struct{ name, doc, want string }{
		{"other registry", `<registry id="protocol-numbers"></registry>`, `f.xml:1: registry "protocol-numbers": want "service-names-port-numbers"`},
		{"no records", xmlDoc(""), "f.xml: no record in it"},
		{"bad port", xmlDoc("<record><name>a</name>\n<number>70000</number></record>"), `f.xml:6: bad port number "70000"`},
		{"backward range", xmlDoc("<record><number>9-8</number></record>"), `f.xml:6: bad port number "9-8"`},
		{"bad transport", xmlDoc("<record><number>9</number><protocol>quic</protocol></record>"), `f.xml:6: unknown transport "quic"`},
		{"empty record", xmlDoc(good + "\n<record/>"), "f.xml:7: a row with neither a service name nor a port number"},
		{"two names", xmlDoc("<record><name>a</name><name>b</name></record>"), "f.xml:6: a record with two <name>"},
		{"wrong end", xmlDoc("<record><name>a</record>"), "f.xml:6: xml: element <name> closed by </record>"},
		{"two roots", xmlDoc(good) + "<registry/>", "f.xml:8: an element after the end of the registry"},
		{"nested", xmlDoc("<record><note>" + strings.Repeat("<p>", 100)), "f.xml:6: elements are nested too deeply"},
		{"nested references", xmlDoc("<record>" + strings.Repeat("<xref>", 100)), "f.xml:6: elements are nested too deeply"},
		{"nested elsewhere", xmlDoc(strings.Repeat("<x>", 20000)), "f.xml:6: elements are nested too deeply"},
		{"no date", strings.Replace(xmlDoc(good), "<updated>", "<updated>zz", 1), `f.xml:4: the date of the edition is "zz2026-08-17": want YYYY-MM-DD`},
		{"unknown entity", xmlDoc("<record><name>&x;</name></record>"), "f.xml:6: xml: invalid character entity &x;"},
	} {
		reg, err := readXML(t, c.doc)
		if reg != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// Wherever a document is cut, it is not read.
func TestXMLCutShort(t *testing.T) {
	doc := strings.TrimSpace(xmlDoc(`<record><name>a</name><number>1</number><note>x &amp; y</note></record><people><person id="a"/></people>`))
	for n := range doc {
		if reg, err := readXML(t, doc[:n]); err == nil || reg != nil {
			t.Errorf("cut after %q: %v", doc[:n], err)
		}
	}
	_, err := readXML(t, doc[:strings.Index(doc, "</record>")])
	if err == nil || err.Error() != "f.xml:6: cut short: the document ends inside an element" {
		t.Error(err)
	}
}

// Any document is read whole or refused, and a registry answers for all ports.
func FuzzXML(f *testing.F) {
	f.Add(xmlDoc(`<record><name>a</name><number>1-70</number><protocol>udp</protocol><description>x<br/>y</description></record>`))
	f.Add(xmlDoc(`<record date="2001"><number>2</number><description>Removed</description><note>previously assigned to x but <xref type="person" data="p"/></note></record>`))
	f.Add(xmlDoc(`<record><number>0-65535</number><unauthorized>port 7</unauthorized></record><people><person id="p"><name>P</name></person></people>`))
	f.Add(`<registry id="service-names-port-numbers"><record><name>a</name></record>`)
	f.Fuzz(func(t *testing.T, doc string) {
		src := &source{name: "f", data: []byte(doc)}
		p, err := parseXML(src)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("error without position: %v", err)
			}
			return
		}
		reg, err := iana.NewRegistry(iana.Edition{}, p.records, p.cover)
		if err != nil {
			return
		}
		for tr := range iana.Transport(iana.NumTransports) {
			for port := 0; port < 1<<16; port += 97 {
				e := reg.Lookup(tr, uint16(port))
				if tr != iana.NoTransport && e.Status == iana.Unknown || len(e.Names()) != e.NumNames() {
					t.Fatalf("%+v", e)
				}
				e.Unauthorized()
				e.Deassigned()
			}
		}
		Check(reg)
		// What the table carries comes back from it.
		if _, err := reg.Compact(); err != nil && !strings.Contains(err.Error(), "fits no known form") {
			t.Error(err)
		}
	})
}
