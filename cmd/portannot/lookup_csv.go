package main

import (
	"bufio"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// csvAnswers writes a row for each port and transport, with the columns of registry
// export -o table and the references. Elements of lists have "|" between them.
type csvAnswers struct {
	out  *bufio.Writer
	reg  *iana.Registry
	line []byte
}

const csvAnswerColumns = "transport,port,status,listed,name,names,description,range,span,registration_date,modification_date," +
	"references,service_code,unauthorized_use,deassigned_date,deassigned_name,siblings,edition,caveat\n"

func (c *csvAnswers) begin(w *bufio.Writer, reg *iana.Registry) {
	c.out, c.reg = w, reg
	c.out.WriteString(csvAnswerColumns) // errors stay until the end
}

func (c *csvAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	for port := int(span.First); port <= int(span.Last); port++ {
		for t := range transports.All() {
			if err := c.record(c.reg.Lookup(t, uint16(port))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *csvAnswers) record(en iana.Entry) error {
	span := ""
	if s := en.Span(); s.First != s.Last {
		span = s.String()
	}
	d, _ := en.Deassigned()
	siblings := ""
	if s := en.Siblings(); s != 0 {
		siblings = strings.ReplaceAll(s.String(), ",", "|")
	}
	return c.write(en.Transport.String(), strconv.Itoa(int(en.Port)), en.Status.String(), strconv.FormatBool(en.Listed), en.Name(),
		strings.Join(en.Names(), "|"), en.Description(), en.Range().String(), span, en.Registered(), en.Modified(),
		strings.Join(en.References(), "|"), en.ServiceCode(), en.Unauthorized(), d.Date, d.FormerName, siblings)
}

func (c *csvAnswers) portless(rec iana.Record) error {
	return c.write(rec.Transport.String(), "", "", "true", rec.Name, rec.Name, rec.Description, "", "", rec.Registered, rec.Modified,
		strings.Join(rec.References, "|"), rec.ServiceCode, rec.Unauthorized, "", "", "")
}

func (c *csvAnswers) write(cells ...string) error {
	c.line = c.line[:0]
	for _, cell := range append(cells, c.reg.Edition().Date, iana.Caveat) {
		c.line = append(annotate.AppendCSV(c.line, cell), ',')
	}
	c.line[len(c.line)-1] = '\n'
	_, err := c.out.Write(c.line)
	return err
}

func (c *csvAnswers) end() error { return nil }
