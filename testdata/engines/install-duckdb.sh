#!/bin/sh
# Installs DuckDB for Node.js where TestEngines looks for it: install-duckdb.sh [FOLDER]
set -eu
folder=${1:-${PORTANNOT_DUCKDB:-${TMPDIR:-/tmp}/portannot-duckdb}}
mkdir -p "$folder"
cd "$folder"
[ -f package.json ] || echo '{"private":true}' >package.json
npm install --no-audit --no-fund @duckdb/node-api
