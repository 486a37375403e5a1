#!/usr/bin/env bash
# Joins 10 million generated flows with the exported registry on every engine that is here, by the queries of the topic engines,
# and compares each row with `portannot enrich`: run.sh [FLOWS]. Needs about 1 GB of TMPDIR, by default /dev/shm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ -z "${TMPDIR:-}" && -d /dev/shm ]] && export PORTANNOT_DUCKDB="${PORTANNOT_DUCKDB:-/tmp/portannot-duckdb}" TMPDIR=/dev/shm
PORTANNOT_ENGINE_FLOWS=${1:-10000000} go test -count=1 -timeout 60m -v -run '^TestEngines$' ./cmd/portannot
