package edition

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// The XML form is the one that IANA edits; the others are made from it. A
// record has its columns as elements, its dates as attributes, and its people
// and documents as <xref>, which the other forms show as text in brackets:
//
//   - the contact of a record is its own references to persons;
//   - the assignee is those within <assignee>, or the contact if it has none;
//   - every other reference of its own is one of its documents.

// registryID is the name of the registry among those of IANA.
const registryID = "service-names-port-numbers"

// maxXMLDepth bounds the nesting of all elements, those that are skipped included:
// the decoder remembers each that is open. An edition has 6 levels.
const maxXMLDepth = 32

// xmlReader walks the tokens of a source.
type xmlReader struct {
	src   *source
	dec   *xml.Decoder
	depth int // of open elements
}

// token gives the next token, and bounds the nesting.
func (x *xmlReader) token() (xml.Token, error) {
	tok, err := x.dec.Token()
	switch tok.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxXMLDepth {
			return nil, errors.New("elements are nested too deeply")
		}
	case xml.EndElement:
		x.depth--
	}
	return tok, err
}

// skip reads the element at hand to its end.
func (x *xmlReader) skip() error {
	for end := x.depth - 1; x.depth > end; {
		if _, err := x.token(); err != nil {
			return err
		}
	}
	return nil
}

// parseXML reads the XML form. A source that is cut short, or a record that
// makes no sense, is an error: half a registry would call the ports of the
// other half unassigned.
func parseXML(src *source) (parsed, error) {
	x := xmlReader{src: src, dec: xml.NewDecoder(bytes.NewReader(src.data))}
	p, err := x.registry()
	if err != nil {
		return parsed{}, x.explain(err)
	}
	return p, nil
}

// explain turns an error of the decoder into one with file and line.
func (x *xmlReader) explain(err error) error {
	var at *iana.SyntaxError
	if errors.As(err, &at) {
		return err
	}
	line, _ := x.dec.InputPos()
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return x.src.errorf(line, "cut short: the document ends inside an element")
	case errors.As(err, &syntax):
		return x.src.errorf(syntax.Line, "xml: %s", syntax.Msg)
	}
	return x.src.errorf(line, "%v", err)
}

// registry reads the document.
func (x *xmlReader) registry() (parsed, error) {
	p := parsed{form: "xml", cover: iana.AllPorts()}
	if err := x.root(); err != nil {
		return p, err
	}
	err := x.children(func(el xml.StartElement) error {
		var err error
		switch el.Name.Local {
		case "updated":
			if p.date, err = x.text(); err == nil && !isDate(p.date) {
				err = fmt.Errorf("the date of the edition is %.40q: want YYYY-MM-DD", p.date)
			}
		case "record":
			err = x.record(&p, el)
		case "people":
			err = x.people(&p)
		default: // title, category, notes, footnotes
			err = x.skip()
		}
		return err
	})
	if err != nil {
		return p, err
	}
	return p, x.end()
}

// root finds the root element and checks that it is the right registry.
func (x *xmlReader) root() error {
	for {
		tok, err := x.token()
		if err != nil {
			return err
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if el.Name.Local != "registry" {
			return fmt.Errorf("root element is <%.40s>: want <registry>", el.Name.Local)
		}
		if id := attr(el, "id"); id != registryID {
			return fmt.Errorf("registry %.40q: want %q", id, registryID)
		}
		return nil
	}
}

// end checks that nothing but white space and comments follows the root.
func (x *xmlReader) end() error {
	for {
		tok, err := x.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, ok := tok.(xml.StartElement); ok {
			return errors.New("an element after the end of the registry")
		}
	}
}

// children calls f for each element inside the one at hand, up to its end. f
// reads its element to the end.
func (x *xmlReader) children(f func(xml.StartElement) error) error {
	for {
		tok, err := x.token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := f(tok); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// record reads one record.
func (x *xmlReader) record(p *parsed, el xml.StartElement) error {
	line, _ := x.dec.InputPos()
	c := cells{cellRegistered: attr(el, "date"), cellModified: attr(el, "updated")}
	var seen [numCells]bool
	var refs []string
	err := x.children(func(el xml.StartElement) error {
		col := -1
		switch el.Name.Local {
		case "name":
			col = cellName
		case "number":
			col = cellPort
		case "protocol":
			col = cellTransport
		case "sc":
			col = cellServiceCode
		case "description":
			col = cellDescription
		case "unauthorized":
			col = cellUnauthorized
		case "note":
			col = cellNotes
		case "assignee":
			return x.children(func(el xml.StartElement) error {
				if el.Name.Local != "xref" {
					return x.skip()
				}
				text, err := x.xref(el)
				c[cellAssignee] += "[" + text + "]"
				return err
			})
		case "xref":
			text, err := x.xref(el)
			if attr(el, "type") == "person" {
				c[cellContact] += "[" + text + "]"
			} else {
				refs = append(refs, text)
			}
			return err
		default:
			return x.skip()
		}
		text, err := x.text()
		switch {
		case err != nil:
			return err
		case !seen[col]:
			c[col], seen[col] = text, true
		case col == cellDescription || col == cellUnauthorized || col == cellNotes:
			c[col] += " " + text
		default:
			return x.src.errorf(line, "a record with two <%s>", el.Name.Local)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c[cellAssignee] == "" {
		c[cellAssignee] = c[cellContact]
	}
	rec, err := c.record(line)
	if err != nil {
		return x.src.errorf(line, "%v", err)
	}
	rec.References = refs
	return p.add(x.src, rec)
}

// people reads the contact directory.
func (x *xmlReader) people(p *parsed) error {
	return x.children(func(el xml.StartElement) error {
		c := iana.Contact{ID: attr(el, "id")}
		err := x.children(func(el xml.StartElement) error {
			text, err := x.text()
			switch el.Name.Local {
			case "name":
				c.Name = text
			case "org":
				c.Organization = text
			case "uri":
				c.URI = strings.TrimSpace(c.URI + " " + text) // a few have two
			case "updated":
				c.Updated = text
			}
			return err
		})
		p.contacts = append(p.contacts, c)
		return err
	})
}

// text reads the text of the element at hand up to its end, white space
// folded: references in brackets, a line break or a paragraph as white space.
func (x *xmlReader) text() (string, error) {
	var b strings.Builder
	err := x.appendText(&b)
	return iana.FoldSpace(b.String()), err
}

func (x *xmlReader) appendText(b *strings.Builder) error {
	for {
		tok, err := x.token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			b.Write(tok)
		case xml.StartElement:
			if tok.Name.Local == "xref" {
				text, err := x.xref(tok)
				if err != nil {
					return err
				}
				b.WriteString("[" + text + "]")
				continue
			}
			b.WriteByte(' ')
			if err := x.appendText(b); err != nil {
				return err
			}
			b.WriteByte(' ')
		case xml.EndElement:
			return nil
		}
	}
}

// xref reads a reference as the other forms show it: its text if it has any,
// else what it points to, with "rfc6335" as "RFC6335".
func (x *xmlReader) xref(el xml.StartElement) (string, error) {
	text, err := x.text()
	if err != nil || text != "" {
		return text, err
	}
	data := iana.FoldSpace(attr(el, "data"))
	if attr(el, "type") == "rfc" {
		data = strings.ToUpper(data)
	}
	return data, nil
}

// attr gives an attribute, or "".
func attr(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
