package flowlog

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// TestRowsRead pins what rows read of their samples: of each record, in order, the
// format's own words for the ends, the role and the outcome. A role with "?" is a
// hint.
func TestRowsRead(t *testing.T) {
	for path, want := range map[string]string{
		"junos/junos-10.log": `
			6 192.0.2.10:50123 198.51.100.20:443 destination passed 203.0.113.1:1024 trust untrust
			6 192.0.2.10:50123 198.51.100.20:443 destination? answered 203.0.113.1:1024 trust untrust
			17 192.0.2.10:50124 198.51.100.53:53 destination? one-way - trust untrust
			6 192.0.2.10:50125 198.51.100.20:8443 destination? passed - trust untrust
			6 192.0.2.10:50126 198.51.100.20:8444 destination? attempted - trust untrust
			6 203.0.113.66:40001 192.0.2.10:23 none denied - untrust trust
			1 203.0.113.66:0 192.0.2.10:0 none denied - untrust trust`,
		"junos/structured.log": `
			6 192.0.2.10:50123 198.51.100.20:443 destination passed 203.0.113.1:1024 trust untrust
			6 192.0.2.10:50123 198.51.100.20:443 destination? answered 203.0.113.1:1024 trust untrust
			6 203.0.113.66:40001 192.0.2.10:23 none denied - untrust trust`,
		"checkpoint/syslog.log": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? passed 203.0.113.1:1024 - -
			17 203.0.113.66:40001 192.0.2.10:161 none denied - - -
			1 203.0.113.66:0 192.0.2.10:0 none denied - - -`,
		"sonicwall/syslog.log": `
			6 192.0.2.10:50123 198.51.100.20:443 none - 203.0.113.1:1024 - -
			6 203.0.113.66:40001 192.0.2.10:23 none denied - - -
			17 192.0.2.10:50124 198.51.100.53:53 none - - - -
			1 203.0.113.66:0 203.0.113.1:0 none denied - - -`,
		"meraki/mx.log": `
			6 192.0.2.10:50123 198.51.100.20:443 none passed - - -
			17 203.0.113.66:40001 192.0.2.10:161 none denied - - -
			6 192.0.2.10:50124 198.51.100.20:443 none - 203.0.113.1:1024 - -
			17 192.0.2.10:50125 198.51.100.53:53 none - 203.0.113.1:1025 - -
			6 192.0.2.10:50126 198.51.100.20:80 none passed - - -`,
		"ftd/events.log": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? passed 203.0.113.1:1024 in out
			6 203.0.113.66:40001 192.0.2.10:3389 none denied - - -
			6 203.0.113.66:40002 192.0.2.10:445 none denied - - -
			17 [2001:db8::10]:50124 [2001:db8:1::53]:53 destination? passed - - -
			1 192.0.2.10:0 198.51.100.20:0 destination? passed - - -`,
		"ftd/actions.log": `
			6 203.0.113.66:50123 192.0.2.10:23 none denied - - -
			6 192.0.2.10:50124 198.51.100.20:80 none denied - - -
			17 192.0.2.10:50125 198.51.100.53:53 destination? passed 203.0.113.1:22294 - -
			6 203.0.113.66:50126 192.0.2.10:443 none passed - - -`,
		"opentelemetry/otlp.json": `
			6 192.0.2.10:50123 198.51.100.20:443 none - - - -
			17 [2001:db8::10]:50124 [2001:db8:1::53]:53 none - - - -
			6 203.0.113.66:40001 192.0.2.10:23 none denied - - -
			6 192.0.2.11:50125 198.51.100.21:22 none - - - -`,
		"envoy/access.json": `
			6 192.0.2.10:43612 198.51.100.20:9080 destination - - - -
			17 [2001:db8::10]:50123 [2001:db8:1::20]:443 destination - - - -
			6 192.0.2.10:50124 198.51.100.20:5432 destination - - - -
			6 203.0.113.66:0 198.51.100.20:8080 destination - - - -`,
		"envoy/istio.log": `
			6 192.0.2.10:39696 198.51.100.20:9080 destination - - - -
			6 203.0.113.66:0 198.51.100.20:9080 destination - - - -
			6 192.0.2.10:52930 198.51.100.21:5432 destination - - - -`,
		"zscaler/nss.json": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? passed 203.0.113.1:1024 - -
			6 192.0.2.10:50124 198.51.100.21:23 destination? denied - - -`,
		"zscaler/nss.csv": `
			6 192.0.2.10:36084 198.51.100.20:80 destination? denied - - -`,
		"cloudflare/sessions.json": `
			6 192.0.2.10:52994 [2001:db8:1::185]:80 destination - [2001:db8:2::23]:41052 - -`,
		"untangle/sessions.log": `
			17 192.0.2.10:59881 198.51.100.53:53 destination - 203.0.113.1:59881 - -
			6 203.0.113.66:44558 203.0.113.1:443 destination - 203.0.113.66:12495 - -`,
		"snort-csv/alerts.csv": `
			6 192.0.2.10:57263 198.51.100.20:22 none - - - -
			17 198.51.100.53:53 192.0.2.10:55475 none - - - -
			1 192.0.2.10:0 198.51.100.20:0 none - - - -`,
		"umbrella/firewall.csv": `
			6 192.0.2.10:60951 198.51.100.20:443 none passed - - -
			17 203.0.113.66:40001 192.0.2.10:161 none denied - - -
			1 192.0.2.10:0 198.51.100.20:0 none passed - - -`,
		"netfilter/unifi.log": `
			6 203.0.113.66:40001 192.0.2.10:23 none denied - - -`,
		"mikrotik/routeros.log": `
			6 203.0.113.66:55193 192.0.2.10:23 none - - - -
			6 192.0.2.20:8080 198.51.100.7:50123 none - - - -
			6 198.51.100.14:443 192.0.2.10:45360 none - - - -
			6 192.0.2.10:50123 198.51.100.20:443 none - 203.0.113.1:1024 - -
			17 [2001:db8::10]:50124 [2001:db8::1]:53 none - - - -
			1 192.0.2.10:0 198.51.100.20:0 none - - - -
			17 192.0.2.1:53 192.0.2.10:50125 none - - - -`,
		"nsx/dfw.log": `
			6 192.0.2.10:50123 198.51.100.20:8140 none passed - - -
			6 203.0.113.66:49627 192.0.2.4:23 none denied - - -
			1 192.0.2.10:0 198.51.100.10:0 none passed - - -
			6 192.0.2.10:50124 198.51.100.20:443 none passed - - -
			6 192.0.2.11:60517 192.0.2.12:443 none passed - - -
			17 [2001:db8::10]:50125 [2001:db8:1::53]:53 none denied - - -
			17 192.0.2.13:50126 192.0.2.53:53 none - - - -`,
		"ipfw/security.log": `
			17 192.0.2.73:17500 192.0.2.255:17500 none denied - - -
			6 203.0.113.66:2190 192.0.2.12:80 none denied - - -
			6 192.0.2.10:50123 198.51.100.20:443 none passed - - -
			6 [2001:db8::10]:5342 [2001:db8::1]:22 none denied - - -`,
		"pflog/pflog.txt": `
			0 203.0.113.11:80 192.0.2.12:123 none denied - - -
			17 192.0.2.99:1137 198.51.100.111:24460 none denied - - -
			17 192.0.2.225:41641 198.51.100.93:3478 none passed - - -
			6 203.0.113.72:43506 192.0.2.59:11111 none denied - - -
			0 [fe80::c4f:2e96:d24e:5364]:0 [ff02::16]:0 none denied - - -
			6 192.0.2.10:443 198.51.100.77:50123 none answered - - -
			17 [2001:db8::10]:50124 [2001:db8::53]:53 none passed - - -
			6 203.0.113.66:50125 192.0.2.10:22 none denied - - -`,
		"netscaler/ns.log": `
			6 192.0.2.10:50123 198.51.100.20:443 none - - - -
			6 198.51.100.20:80 192.0.2.10:25963 none - - - -
			6 203.0.113.7:59839 192.0.2.10:80 none - 192.0.2.2:17708 - -
			6 203.0.113.7:32841 192.0.2.8:22 none - - - -`,
		"netscreen/traffic.log": `
			6 192.0.2.10:1732 198.51.100.20:443 none passed 203.0.113.1:22041 Trust Untrust
			17 192.0.2.2:53 198.51.100.4:17210 none denied - Trust DMZ
			6 203.0.113.66:50123 192.0.2.50:135 none denied - Untrust Trust`,
		"snort-fast/fast.log": `
			6 192.0.2.10:40460 198.51.100.12:80 none - - - -
			6 198.51.100.148:80 192.0.2.168:49724 none - - - -
			6 203.0.113.66:50123 192.0.2.10:80 none denied - - -
			1 192.0.2.10:0 198.51.100.20:0 none - - - -
			17 192.0.2.10:1901 239.255.255.250:1900 none - - - -`,
		"watchguard/proxy.log": `
			6 192.0.2.10:62443 198.51.100.20:80 none passed - - -
			6 192.0.2.10:53018 198.51.100.20:80 none passed - - -
			6 192.0.2.11:57525 198.51.100.21:80 none denied - - -
			17 203.0.113.66:40001 192.0.2.1:161 none denied - - -`,
		"sonicwall/relayed.log": `
			6 192.0.2.3:52379 198.51.100.61:443 none - 203.0.113.1:48245 - -
			0 203.0.113.66:54192 [2001:db8::10]:8080 none denied - - -
			17 192.0.2.28:56783 198.51.100.12:53 none - - - -`,
		"ios/xe.log": `
			6 192.0.2.26:59144 198.51.100.34:1103 none passed - - -
			17 203.0.113.10:52361 192.0.2.34:10001 none denied - - -
			6 198.51.100.10:56279 203.0.113.20:45240 none denied - - -
			1 192.0.2.26:0 198.51.100.34:0 none passed - - -
			6 192.0.2.230:12321 198.51.100.20:42150 none denied - - -
			6 192.0.2.120:49290 198.51.100.27:20000 destination? passed - - -
			6 192.0.2.223:37148 198.51.100.18:3005 none denied - - -
			6 192.0.2.5:63751 198.51.100.8:445 none denied - - -`,
		"nprobe/flows.json": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? answered - - -
			17 192.0.2.10:50124 198.51.100.53:53 destination? one-way - - -
			6 [2001:db8:1::20]:443 [2001:db8::10]:50125 none - - - -`,
		"ocsf/network-activity.json": `
			6 203.0.113.66:40001 192.0.2.10:23 none denied - - -
			6 192.0.2.10:50123 198.51.100.20:443 destination? - - - -
			6 192.0.2.10:50124 198.51.100.20:8443 destination? refused - - -
			0 192.0.2.10:50125 198.51.100.20:8444 none passed - - -`,
		"azure-firewall/diagnostics.json": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? passed - - -
			17 203.0.113.66:40001 192.0.2.10:161 none denied - - -
			6 203.0.113.5:51234 203.0.113.1:8443 none - - - -
			6 192.0.2.10:50124 invalid AddrPort destination? passed - - -
			6 192.0.2.10:50125 198.51.100.20:22 none denied - - -
			6 192.0.2.10:50126 invalid AddrPort destination? passed - - -
			6 203.0.113.5:51235 203.0.113.1:8080 destination? passed - - -`,
		"cortex/traffic.json": `
			6 192.0.2.10:50123 198.51.100.20:443 destination passed 203.0.113.1:1024 trust untrust
			6 203.0.113.66:40001 192.0.2.10:80 none denied - - -
			6 203.0.113.66:40002 192.0.2.10:3389 none denied - - -`,
		"nfdump/line.log": `
			6 192.0.2.10:50123 198.51.100.20:443 none - - - -
			17 192.0.2.10:50124 198.51.100.53:53 none - - - -
			1 192.0.2.10:0 198.51.100.20:0 none - - - -
			6 [2001:db8::10]:50125 [2001:db8:1::20]:443 none - - - -`,
		"unsw-nb15/bare.csv": `
			6 192.0.2.10:50123 198.51.100.20:443 destination? answered - - -
			17 192.0.2.10:50124 198.51.100.53:53 destination? answered - - -
			89 192.0.2.10:0 198.51.100.20:0 destination? one-way - - -`,
	} {
		data, err := os.ReadFile(filepath.Join(samplesFolder(t), path))
		if err != nil {
			t.Fatal(err)
		}
		rd := NewReader(strings.NewReader(string(data)), path)
		var got []string
		for rd.Scan() {
			if r := rd.Record(); r.Kind == Flow {
				got = append(got, rowRead(r))
			}
		}
		lines := strings.Split(strings.TrimSpace(want), "\n")
		for i := range max(len(lines), len(got)) {
			g, w := "", ""
			if i < len(got) {
				g = got[i]
			}
			if i < len(lines) {
				w = strings.TrimSpace(lines[i])
			}
			if g != w {
				t.Errorf("%s, flow %d:\n got %s\nwant %s", path, i+1, g, w)
			}
		}
	}
}

func rowRead(r *Record) string {
	f := &r.Flow
	role := f.Stated.String()
	if f.Stated == flow.NoSide && f.Hint != flow.NoSide {
		role = f.Hint.String() + "?"
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	nat := "-"
	if r.Details.NATSource != (netip.AddrPort{}) {
		nat = r.Details.NATSource.String()
	}
	outcome := "-"
	if f.Outcome != annotate.NoOutcome {
		outcome = f.Outcome.String()
	}
	return strings.Join([]string{itoa(int(f.Protocol)), f.Source.String(), f.Destination.String(), role, outcome, nat,
		or(string(r.Details.IngressZone)), or(string(r.Details.EgressZone))}, " ")
}

// Azure delivers to storage and event hubs an object that holds many records.
func TestAzureFirewallRecords(t *testing.T) {
	const one = `{"time":"2026-09-14T09:00:00.123Z","category":"AZFWNetworkRule","properties":{"Protocol":"TCP","SourceIp":"192.0.2.10","SourcePort":50123,"DestinationIp":"198.51.100.20","DestinationPort":443,"Action":"Allow"}}`
	out, st := enrich(t, strings.NewReader(`{"records":[`+one+`,`+one+`]}`+"\n"), EnrichOptions{})
	if n := strings.Count(string(out), `"portannot":{`); n != 2 || st.Flows != 2 || st.Faults != 0 {
		t.Errorf("%d annotations, %+v: %s", n, st, out)
	}
}
