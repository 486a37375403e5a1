package rules

import (
	"strings"
)

// nftText writes statements in the notation of nft, as far as it is known; the
// rest as JSON.
func nftText(statements []*node, data []byte) string {
	t := nftWriter{data: data}
	for i, st := range statements {
		if i > 0 {
			t.WriteByte(' ')
		}
		t.statement(st)
	}
	return t.String()
}

// nftConstant writes one value.
func nftConstant(n *node, data []byte) string {
	t := nftWriter{data: data}
	t.value(n)
	return t.String()
}

type nftWriter struct {
	strings.Builder
	data []byte
}

func (t *nftWriter) raw(n *node) {
	if n == nil {
		return
	}
	if n.to > n.from {
		t.WriteString(n.source(t.data))
	}
}

func (t *nftWriter) list(open, sep, end string, list []*node) {
	t.WriteString(open)
	for i, n := range list {
		if i > 0 {
			t.WriteString(sep)
		}
		t.value(n)
	}
	t.WriteString(end)
}

func (t *nftWriter) statement(st *node) {
	kind, v := st.only()
	switch kind {
	case "match":
		t.value(v.get("left"))
		if op := v.get("op").str(); op != "in" && op != "" && (op != "==" || v.get("left").get("&") != nil) {
			t.WriteString(" " + op)
		}
		t.WriteByte(' ')
		right := v.get("right")
		if right.is(nodeArray) && v.get("op").str() == "==" && v.get("left").get("&") == nil { // without, it would ask for any of the bits
			t.WriteString("== ")
		}
		t.value(right)
	case "accept", "drop", "return", "continue", "notrack", "last":
		t.WriteString(kind)
	case "jump", "goto":
		t.WriteString(kind + " " + v.get("target").str())
	case "reject":
		t.WriteString("reject")
		if typ := v.get("type").str(); typ != "" {
			t.WriteString(" with " + typ)
			if e := v.get("expr"); e != nil {
				t.WriteByte(' ')
				t.value(e)
			}
		}
	case "vmap":
		t.value(v.get("key"))
		t.WriteString(" vmap ")
		t.value(v.get("data"))
	case "counter":
		t.WriteString("counter")
		if v.is(nodeString) {
			t.WriteString(" name " + v.text)
		}
	case "log":
		t.WriteString("log")
		if p := v.get("prefix").str(); p != "" {
			t.WriteString(` prefix "` + p + `"`)
		}
	case "limit", "quota", "ct count":
		t.limit(kind, v)
	case "mangle":
		t.value(v.get("key"))
		t.WriteString(" set ")
		t.value(v.get("value"))
	case "dnat", "snat", "redirect", "masquerade":
		t.WriteString(kind)
		if a := v.get("addr"); a != nil {
			t.WriteString(" to ")
			t.value(a)
		}
		if p := v.get("port"); p != nil {
			if v.get("addr") == nil {
				t.WriteString(" to ")
			}
			t.WriteByte(':')
			t.value(p)
		}
	case "set", "map":
		t.WriteString(v.get("op").str() + " ")
		t.WriteString(v.get(kind).str() + " { ")
		t.value(v.get("elem"))
		for _, s := range v.get("stmt").elements() {
			t.WriteByte(' ')
			t.statement(s)
		}
		t.WriteString(" }")
	case "queue":
		t.WriteString("queue")
		if n := v.get("num"); n != nil {
			t.WriteString(" to ")
			t.value(n)
		}
	default:
		if st.is(nodeString) {
			t.WriteString(st.text)
			return
		}
		t.raw(st)
	}
}

func (t *nftWriter) limit(kind string, v *node) {
	t.WriteString(kind)
	if v.is(nodeString) {
		t.WriteString(" name " + v.text)
		return
	}
	if kind == "limit" {
		t.WriteString(" rate")
	}
	if inv := v.get("inv"); inv.is(nodeBool) && inv.text == "true" {
		t.WriteString(" over")
	}
	for _, key := range []string{"rate", "val"} {
		if n := v.get(key); n != nil {
			t.WriteByte(' ')
			t.value(n)
		}
	}
	for _, key := range []string{"rate_unit", "val_unit"} {
		if u := v.get(key).str(); u != "" {
			t.WriteString(" " + u)
		}
	}
	if per := v.get("per").str(); per != "" {
		t.WriteString("/" + per)
	}
}

func (t *nftWriter) value(n *node) {
	switch {
	case n == nil:
		return
	case n.kind == nodeString || n.kind == nodeNumber || n.kind == nodeBool:
		t.WriteString(n.text)
		return
	case n.kind == nodeNull:
		t.WriteString("null")
		return
	case n.kind == nodeArray:
		t.list("", ",", "", n.list)
		return
	}
	kind, v := n.only()
	switch kind {
	case "payload":
		if p := v.get("protocol").str(); p != "" {
			t.WriteString(p + " " + v.get("field").str())
			return
		}
		t.raw(n)
	case "meta":
		key := v.get("key").str()
		if !strings.HasPrefix(key, "iif") && !strings.HasPrefix(key, "oif") {
			t.WriteString("meta ")
		}
		t.WriteString(key)
	case "ct":
		t.WriteString("ct ")
		if d := v.get("dir").str(); d != "" {
			t.WriteString(d + " ")
		}
		t.WriteString(v.get("key").str())
	case "fib":
		t.WriteString("fib ")
		t.list("", " . ", " ", v.get("flags").elements())
		t.WriteString(v.get("result").str())
	case "exthdr", "tcp option", "ip option":
		if kind != "exthdr" {
			t.WriteString(kind + " ")
		}
		t.WriteString(v.get("name").str() + " " + v.get("field").str())
	case "prefix":
		t.value(v.get("addr"))
		t.WriteByte('/')
		t.value(v.get("len"))
	case "range":
		t.list("", "-", "", v.elements())
	case "concat":
		t.list("", " . ", "", v.elements())
	case "elem":
		t.value(v.get("val"))
	case "set":
		t.WriteString("{ ")
		for i, e := range v.elements() {
			if i > 0 {
				t.WriteString(", ")
			}
			if e.is(nodeArray) && len(e.list) == 2 {
				t.value(e.list[0])
				t.WriteString(" : ")
				t.statement(e.list[1])
				continue
			}
			t.value(e)
		}
		t.WriteString(" }")
	case "&", "|", "^", "<<", ">>":
		t.list("", " "+kind+" ", "", v.elements())
	case "map":
		t.value(v.get("key"))
		t.WriteString(" map ")
		t.value(v.get("data"))
	default:
		t.raw(n)
	}
}
