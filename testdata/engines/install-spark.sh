#!/usr/bin/env bash
# Installs PySpark, which has spark-sql in it, from Python's package registry, for
# TestEngines: PORTANNOT_SPARK, default /tmp/portannot-spark. It needs Java 17.
set -euo pipefail
version=4.0.1
folder=${PORTANNOT_SPARK:-/tmp/portannot-spark}
java -version >/dev/null
python3 -m venv "$folder"
"$folder/bin/pip" install -q "pyspark==$version"
echo "PORTANNOT_SPARK=$folder"
