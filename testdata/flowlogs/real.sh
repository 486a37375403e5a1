#!/usr/bin/env bash
# Compares what portannot says of the logs of real producers with what it says
# of the capture that they read, by testdata/flowlogs/realcheck.
#
#   testdata/flowlogs/real.sh [CAPTURE]
#
# The default is testdata/captures/demo.pcap. Producers that are not installed,
# or cannot read the capture, are named and left out. softflowd exports over the
# loopback; nothing else goes over a network, and no producer runs over a minute.
#
# Exit status: 0 all agree; 1 a record differs for no reason, is of no flow of the
# capture, or was not understood; 2 nothing could be compared.
set -euo pipefail
start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
capture=${1:-testdata/captures/demo.pcap}
[[ -z ${1:-} || $capture == /* ]] || capture=$start/$capture
[[ -r $capture ]] || { echo "$capture: cannot be read" >&2; exit 2; }

dir=$(mktemp -d)
collector=
clean() {
	[[ -z $collector ]] || kill "$collector" 2>/dev/null || true
	rm -rf "$dir"
}
trap clean EXIT

CGO_ENABLED=0 go build -o "$dir/portannot" ./cmd/portannot || exit 2
CGO_ENABLED=0 go build -o "$dir/realcheck" ./testdata/flowlogs/realcheck || exit 2

portannot() { "$dir/portannot" "$@" -o json --registry embedded -q; }
have() { # PROGRAM...
	local p
	for p; do
		command -v "$p" >/dev/null || { echo "left out: $p is not installed" >&2; return 1; }
	done
}
bounded() { timeout -k 5 60 "$@"; }

# A capture that ends early is compared as far as it goes.
# Logs tell of no payload and are not compared with one another.
portannot -r "$capture" --idle-timeout 0 --observe off --evidence-peers 0 >"$dir/capture.json" || [[ -s $dir/capture.json ]] || exit 2

# Of what is no plain pcap the producers read a copy that is: not all can do more.
source=$capture
case $(od -An -tx1 -N4 "$capture" | tr -d ' ') in
a1b2c3d4 | d4c3b2a1 | a1b23c4d | 4d3cb2a1) ;;
*)
	if have editcap && editcap -F pcap "$capture" "$dir/copy.pcap" 2>/dev/null; then
		source=$dir/copy.pcap
	else
		echo "no pcap, and editcap makes none of it: producers may fail" >&2
	fi
	;;
esac

logs=()
made=0
failed=0
add() { # NAME FILE: the log of a producer, annotated
	made=$((made + 1))
	local status=0
	portannot enrich "$2" >"$dir/$made.json" 2>"$dir/$made.err" || status=$?
	if [[ ! -s $dir/$made.json ]]; then
		echo "left out: $1: it has no records" >&2
		return
	fi
	logs+=("$1=$dir/$made.json")
	if ((status)); then
		echo "$1: lines that were not understood" >&2
		cat "$dir/$made.err" >&2
		failed=1
	fi
}

if have nfpcapd nfdump; then
	mkdir "$dir/nf"
	# 1.7.1 names the folder -w in its help and takes -l as well, as 1.6 does.
	bounded nfpcapd -r "$source" -w "$dir/nf" >/dev/null 2>&1 ||
		bounded nfpcapd -r "$source" -l "$dir/nf" >/dev/null 2>&1 || true
	for form in csv json line long extended pipe; do
		bounded nfdump -R "$dir/nf" -o $form >"$dir/nfdump.$form" 2>/dev/null || true
		add "nfpcapd, nfdump -o $form" "$dir/nfdump.$form"
	done
fi

if have pmacctd; then
	for form in csv json; do
		bounded pmacctd -I "$source" -P print -c src_host,dst_host,src_port,dst_port,proto,tcpflags -O $form 2>/dev/null |
			sed '/^WARN\|^INFO/d' >"$dir/pmacct.$form" || true
		add "pmacct, print plugin, $form" "$dir/pmacct.$form"
	done
fi

if have argus ra; then
	bounded argus -r "$source" -w "$dir/argus" >/dev/null 2>&1 || true
	bounded ra -n -u -c , -r "$dir/argus" >"$dir/argus.csv" 2>/dev/null || true
	add "argus, ra" "$dir/argus.csv"
fi

python=${PYTHON:-python3} # of an environment with nfstream, perhaps
if "$python" -c 'import nfstream' 2>/dev/null; then
	cat >"$dir/nfs.py" <<-'EOF'
		import sys
		from nfstream import NFStreamer
		if __name__ == '__main__':
		    NFStreamer(source=sys.argv[1], n_meters=1, idle_timeout=86400, active_timeout=86400).to_csv(path=sys.argv[2])
	EOF
	bounded "$python" "$dir/nfs.py" "$source" "$dir/nfstream.csv" >/dev/null 2>&1 || true
	[[ -e $dir/nfstream.csv ]] || : >"$dir/nfstream.csv"
	add "NFStream, to_csv" "$dir/nfstream.csv"
else
	echo "left out: $python has no nfstream" >&2
fi

if have tshark; then
	# Of a tunnel, the first field of each name: those of the outer header, or
	# the only ones. Each packet is a record, so fragments are not put together.
	bounded tshark -n -r "$source" -o ip.defragment:FALSE -o ipv6.defragment:FALSE \
		-T fields -E header=y -E occurrence=f \
		-e frame.time_epoch -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e ip.proto -e ipv6.nxt \
		-e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport -e sctp.srcport -e sctp.dstport \
		-e dccp.srcport -e dccp.dstport -e tcp.flags -e icmp.type -e icmpv6.type \
		>"$dir/tshark.tsv" 2>/dev/null || true
	add "tshark -T fields" "$dir/tshark.tsv"
fi

listen() { # SCHEME: a collector on the loopback; its address is $address
	local i
	made=$((made + 1))
	address=
	: >"$dir/$made.err"
	# Not by way of the function: its process is the one to end.
	"$dir/portannot" enrich --listen "$1://127.0.0.1:0" -o json --registry embedded \
		>"$dir/$made.json" 2>"$dir/$made.err" &
	collector=$!
	for ((i = 0; i < 100; i++)); do
		address=$(sed -n 's/.*listening on [a-z]* //p' "$dir/$made.err")
		[[ -z $address ]] || return 0
		sleep 0.1
	done
	echo "left out: no collector" >&2
	return 1
}
collected() { # reports whether there is anything, once all of it is taken
	local size last i
	# All is sent; it is taken when the output has stood still for half a second.
	for ((i = 0, last = -1; i < 40; i++)); do
		size=$(stat -c %s "$dir/$made.json")
		((size != last || size == 0)) || break
		last=$size
		sleep 0.5
	done
	kill -TERM "$collector"
	wait "$collector" || true
	collector=
	[[ -s $dir/$made.json ]]
}

export_to() { # NAME SCHEME FLAGS...: softflowd to a collector
	local name=$1 scheme=$2
	shift 2
	listen "$scheme" || return 0
	bounded softflowd -d -6 -a -m 65536 -c none -p "$dir/softflowd.pid" -r "$source" -n "$address" "$@" \
		>/dev/null 2>&1 || echo "$name: softflowd gave up before the end" >&2
	if collected; then
		logs+=("$name=$dir/$made.json")
	else
		echo "left out: $name: it has no records" >&2
	fi
}
if have softflowd; then
	export_to "softflowd, NetFlow 5" udp -v 5
	export_to "softflowd, NetFlow 9" udp -v 9
	export_to "softflowd, IPFIX" udp -v 10
	export_to "softflowd, IPFIX of both directions" udp -v 10 -b -A milli
	export_to "softflowd, IPFIX over TCP" tcp -v 10 -P tcp
fi

# sFlow sends packets on, and their payload tells something: it is compared with what
# the payload of the capture tells.
sampled=()
if have pmacctd && listen udp; then
	printf '%s\n' 'daemonize: false' "pcap_savefile: $source" 'plugins: sfprobe' "sfprobe_receiver: $address" \
		'sfprobe_agentip: 192.0.2.1' 'sampling_rate: 1' 'pcap_savefile_wait: true' >"$dir/sfprobe.conf"
	# At the end of the capture it would end its plugin before that has sent all.
	timeout -k 5 10 pmacctd -f "$dir/sfprobe.conf" >/dev/null 2>&1 || true
	if collected; then
		sampled+=("pmacct, sfprobe plugin, sFlow 5=$dir/$made.json")
	else
		echo "left out: pmacct, sfprobe plugin: it has no records" >&2
	fi
fi

((${#logs[@]} > 0)) || { echo "no producer" >&2; exit 2; }
status=0
"$dir/realcheck" "$dir/capture.json" "${logs[@]}" || status=$?
if ((${#sampled[@]} > 0)); then
	portannot -r "$capture" --idle-timeout 0 --evidence-peers 0 >"$dir/payload.json" || [[ -s $dir/payload.json ]] || exit 2
	"$dir/realcheck" "$dir/payload.json" "${sampled[@]}" || status=$?
fi
((status == 0)) || exit $status
exit $failed
