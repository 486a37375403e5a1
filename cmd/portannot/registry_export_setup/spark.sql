-- Spark SQL 3.4 or later, beside the file portannot.csv of
-- `portannot registry export -o spark -w portannot.csv`.
-- One row for each port and transport, small enough to be broadcast.
CREATE OR REPLACE TEMPORARY VIEW portannot_spans (
  transport STRING, first_port INT, last_port INT, status STRING, listed BOOLEAN, name STRING, names STRING,
  description STRING, `range` STRING, span STRING, registration_date STRING, modification_date STRING,
  service_code STRING, unauthorized_use STRING, deassigned_date STRING, deassigned_name STRING, siblings STRING,
  edition STRING, caveat STRING)
USING csv OPTIONS (path 'portannot.csv', header 'true', quote '"', escape '"');

CREATE OR REPLACE TEMPORARY VIEW portannot AS
SELECT transport, port, status, listed, name, filter(split(coalesce(names, ''), '[|]'), x -> x <> '') AS names,
  description, `range`, span, registration_date, modification_date, service_code, unauthorized_use,
  deassigned_date, deassigned_name, filter(split(coalesce(siblings, ''), '[|]'), x -> x <> '') AS siblings, edition, caveat
FROM portannot_spans LATERAL VIEW explode(sequence(first_port, last_port)) ports AS port;

CACHE TABLE portannot;
