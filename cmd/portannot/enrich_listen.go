package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/portannot/portannot/annotate/flowlog/netflow"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// parsePrefixes reads the networks of --allow-exporter. An address is the network
// of that address alone.
func parsePrefixes(list []string) (prefixes []netip.Prefix, err error) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, addrErr := netip.ParseAddr(s); addrErr == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, usagef("--allow-exporter 192.0.2.0/24, or 192.0.2.1", "--allow-exporter %q: want an address or a network", s)
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

// listen takes messages from the network until ctx ends, which is success.
func (x *exports) listen(ctx context.Context, addresses []string, o *flowOptions, files *outputs, registry *iana.Registry, strict bool) error {
	if x.format != "" && x.format != "auto" && x.format != "netflow" && x.format != "ipfix" && x.format != "sflow" {
		return usagef("leave out --format", "--listen takes NetFlow, IPFIX and sFlow only")
	}
	if err := x.check(); err != nil {
		return err
	}
	e := x.j.env
	server, err := e.openMetrics(o.metrics, x.j.quiet, registry)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	var listeners []*netflow.Listener
	closeAll := func() {
		for _, l := range listeners {
			l.Close()
		}
	}
	accept := server != nil
	for _, address := range addresses {
		l, err := netflow.Listen(ctx, address)
		if err != nil {
			closeAll()
			return err
		}
		listeners = append(listeners, l)
		accept = accept || l.Addr().Network() == "tcp"
	}
	err = e.confine(o.rights, sandbox.Options{Accept: accept, Write: files.folders()})
	if err == nil {
		err = files.check()
	}
	if err != nil {
		closeAll()
		return err
	}
	if !x.j.quiet {
		for _, l := range listeners {
			e.warnf("listening on %s %s", l.Addr().Network(), l.Addr())
		}
	}
	if err := x.j.enricher.WriteHeader(); err != nil {
		closeAll()
		return err
	}
	x.listening = true
	if server != nil {
		server.Add(x.metrics)
		server.Add(files.metrics)
		server.SetHealth(func() error { return nil })
	}
	stop, answered := e.watch(x.losses()), e.onRequest(x.soFar)
	err = x.collector.Serve(ctx, listeners...)
	answered()
	stop()
	if errors.Is(err, errReaderGone) {
		return err
	}
	x.j.summary()
	if err == nil && strict && x.collector.Stats().Lost() > 0 {
		return errPart
	}
	return err
}

// losses gives what watch asks.
func (x *exports) losses() func() (string, func()) {
	var before netflow.Stats
	return func() (string, func()) {
		now := x.collector.Account().Stats
		left := leftOut(&now, &before)
		if left != "" {
			left = "left out: " + left
		}
		return left, func() { before = now }
	}
}

// metrics shows what comes in, and what of that is left out.
func (x *exports) metrics(w *metrics.Writer) {
	a := x.collector.Account()
	st := &a.Stats
	const p = "portannot_netflow_"
	for i, n := range st.Messages {
		w.Counter(p+"messages_total", "Messages, by version.", n, "version", strings.ToLower(exportVersions[i]))
	}
	w.Counter(p+"bytes_total", "Bytes of messages.", st.Bytes)
	for _, r := range []struct {
		of string
		n  uint64
	}{
		{"flows", st.Records - st.Samples}, {"options", st.Options}, {"neither_address_nor_port", st.Other},
		{"samples", st.Samples}, {"samples_without_ports", st.Portless}, {"counters", st.Counters}, {"samples_of_other_kinds", st.Unread},
	} {
		w.Counter(p+"records_total", "Records, by what they are about.", r.n, "of", r.of)
	}
	for k, n := range st.Left {
		w.Counter(p+"left_out_total", "What did not come out as records, by kind: messages, sets, templates, records or connections.", n, "kind", netflow.Kind(k).String())
	}
	for i, n := range st.Versions {
		w.Counter(p+"unknown_version_total", "Messages of versions that are not read.", n, "version", netflow.VersionName(i))
	}
	w.Gauge(p+"exporters", "Exporters that are known.", float64(st.Exporters))
	w.Gauge(p+"domains", "Observation domains that are known.", float64(st.Domains))
	w.Gauge(p+"templates", "Templates that are known.", float64(st.Templates))
	w.Gauge(p+"connections", "Open connections over TCP.", float64(st.Connections))
	w.Gauge(p+"held_bytes", "Bytes of data sets that wait for a template.", float64(st.Held))
	w.Gauge(p+"queued_bytes", "Bytes of messages that wait to be decoded.", float64(st.Queued))
	flowMetrics(w, &a.Flows)
}
