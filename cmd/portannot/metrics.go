package main

import (
	"fmt"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// openMetrics opens the address of --metrics, and answers what is known from the
// start: the version and the registry. For no address it gives nil.
func (e *env) openMetrics(address string, quiet bool, registry *iana.Registry) (*metrics.Server, error) {
	if address == "" {
		return nil, nil
	}
	s, err := metrics.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	edition, about := registry.Edition(), thisVersion()
	s.Add(func(w *metrics.Writer) {
		w.Gauge("portannot_info", "Always 1; version of the program, and edition of the registry and where that is from.", 1,
			"version", about.Version, "registry_edition", edition.Date, "registry_source", edition.Source)
		if date, err := time.Parse(time.DateOnly, edition.Date); err == nil {
			w.Gauge("portannot_registry_edition_timestamp_seconds", "Date of the registry's edition.", float64(date.Unix()))
			w.Gauge("portannot_registry_age_seconds", "Time since the date of the registry's edition.", time.Since(date).Seconds())
		}
	})
	s.Start()
	if !quiet {
		e.warnf("metrics at http://%s/metrics, health at /healthz", s.Addr())
	}
	return s, nil
}

const flowsHelp = "Flows by status of the service port; no_side, port_not_reported and no_ports stand for those where it is not known."

// flowMetrics shows what was found of the flows of logs and exporters.
func flowMetrics(w *metrics.Writer, st *flowlog.Stats) {
	const flows, help = "portannot_flows_total", flowsHelp
	for i, n := range st.Statuses {
		w.Counter(flows, help, n, "status", iana.Status(i).String())
	}
	w.Counter(flows, help, st.NoSide, "status", "no_side")
	w.Counter(flows, help, st.NoPort, "status", "port_not_reported")
	w.Counter(flows, help, st.NoPorts, "status", "no_ports")
	w.Counter("portannot_flows_selected_total", "Flows that were written.", st.Selected)
}
