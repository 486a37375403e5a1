#!/bin/sh
# Reads lines of run.sh and prints the medians, and their ratios to plain.
awk '
	function median(list,   v, n, i, k, x) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) { x = v[i]; for (k = i - 1; k > 0 && v[k] + 0 > x + 0; k--) v[k + 1] = v[k]; v[k + 1] = x }
		return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
	}
	$3 > 0 {
		if (!(($1, $2) in wall)) { key[++n] = $1 SUBSEP $2; name[n] = $1 " " $2; mode[n] = $1 }
		wall[$1, $2] = wall[$1, $2] " " $7; cpu[$1, $2] = cpu[$1, $2] " " $13
	}
	END {
		for (i = 1; i <= n; i++) {
			w = median(wall[key[i]]); c = median(cpu[key[i]]); p = mode[i] SUBSEP "plain"
			printf "%-14s %9.0f records/s, %9.0f records/s of CPU, ratio to plain %.2f by time, %.2f by CPU\n", name[i], w, c, median(wall[p]) / w, median(cpu[p]) / c
		}
	}'
