#!/usr/bin/env bash
# Times `portannot enrich` beside a pass of awk, jq and wc over the same logs.
#
#   testdata/bench/flowlog/run.sh [MEBIBYTES] [ROUNDS] [MEBIBYTES OF JSON]
#
# jq takes a minute for a GiB, so that one may want less of JSON.
# DIR holds the logs and the program; memory is best. Output goes to /dev/null.
# The rounds take turns, so that what else the machine does hits all alike.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
size=${1:-1024} rounds=${2:-5} json=${3:-${1:-1024}}
dir=${DIR:-/dev/shm/portannot-bench-flowlog}
mkdir -p "$dir"
CGO_ENABLED=0 go build -o "$dir/portannot" ./cmd/portannot
go build -o "$dir/gen" ./testdata/bench/flowlog/gen
cd "$dir"
[[ -s zeek.$size ]] || ./gen -form zeek -bytes $((size << 20)) >zeek.$size
[[ -s eve.$json ]] || ./gen -form eve -bytes $((json << 20)) >eve.$json

# race FILE NAME=COMMAND... : the median wall and processor time of each command
# over all rounds, its ratio to the first command (the median of those of single
# rounds), and the greatest memory.
race() {
	local file=$1 i c
	shift
	for ((i = 0; i < rounds; i++)); do
		for c in "$@"; do
			{ /usr/bin/time -f '%U %S %M' -o used bash -c "T=\$EPOCHREALTIME; ${c#*=}; echo \$T \$EPOCHREALTIME >took" <"$file" >/dev/null 2>&1; } || true
			echo "$i|${c%%=*}|$(cat took)|$(tail -1 used)"
		done
	done | awk -F'|' -v size="$(stat -c %s "$file")" -v rounds="$rounds" '
		function median(name, of,   a, n, i, k, v) {
			n = split(of[name], a, " ")
			for (i = 2; i <= n; i++) { v = a[i]; for (k = i - 1; k > 0 && a[k] + 0 > v + 0; k--) a[k + 1] = a[k]; a[k + 1] = v }
			return (a[int((n + 1) / 2)] + a[int(n / 2) + 1]) / 2
		}
		{
			split($3, t, " "); split($4, u, " "); w = t[2] - t[1]
			if (!($2 in wall)) names[++count] = $2
			if ($2 == names[1]) first = w
			wall[$2] = wall[$2] " " w; cpu[$2] = cpu[$2] " " u[1] + u[2]; ratio[$2] = ratio[$2] " " w / first
			if (u[3] > most[$2]) most[$2] = u[3]
		}
		END {
			for (i = 1; i <= count; i++) {
				n = names[i]; m = median(n, wall)
				printf "%-32s %8.2f s wall %8.2f s cpu %8.2f times the first %8.0f MB/s %6.0f MiB\n", n, m, median(n, cpu), median(n, ratio), size / 1e6 / m, most[n] / 1024
			}
		}'
}

# What zeek-cut does: find the columns, print some of them.
cut='BEGIN { FS = OFS = "\t" } /^#/ { next } { print $1, $3, $4, $5, $6, $7 }'

echo "Zeek TSV, $size MiB, $(nproc) processors, median of $rounds"
race zeek.$size 'wc -l=wc -l' "awk, six columns (mawk)=mawk '$cut'" \
	'portannot enrich=./portannot enrich -q -' 'portannot enrich, one core=GOMAXPROCS=1 ./portannot enrich -q -' \
	'portannot enrich --unexpected=./portannot enrich -q --unexpected -'
echo
echo "EVE JSON, $json MiB"
race eve.$json 'wc -l=wc -l' 'jq -c=jq -c .' \
	'portannot enrich=./portannot enrich -q -' 'portannot enrich --unexpected=./portannot enrich -q --unexpected -'
