#!/usr/bin/env bash
# Installs chDB, which is a current ClickHouse, from Python's package registry, for
# TestEngines: PORTANNOT_CHDB, default /tmp/portannot-chdb.
set -euo pipefail
version=4.4.0
folder=${PORTANNOT_CHDB:-/tmp/portannot-chdb}
python3 -m venv "$folder"
"$folder/bin/pip" install -q "chdb==$version"
echo "PORTANNOT_CHDB=$folder"
