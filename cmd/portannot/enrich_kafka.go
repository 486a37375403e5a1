package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/flowlog/kafka"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// kafkaOptions are the flags of enrich that have to do with Kafka, as given.
type kafkaOptions struct {
	set *pflag.FlagSet // to tell what was given

	from, to, group, deadLetter, clientID, transactionalID, compression string
	exactlyOnce                                                         bool

	tls                                     bool
	tlsCA, tlsCert, tlsKey, tlsName         string
	sasl, saslUser, passwordFile, tokenFile string
}

// Where secrets come from, unless a file is named.
const (
	kafkaUserEnv     = "PORTANNOT_KAFKA_USER"
	kafkaPasswordEnv = "PORTANNOT_KAFKA_PASSWORD"
	kafkaTokenEnv    = "PORTANNOT_KAFKA_TOKEN"
)

// flags are the rows of enrich's table that only topics of Kafka need.
func (o *kafkaOptions) flags() []cli.Flag {
	return []cli.Flag{
		cli.String(&o.from, "from", "", "ADDR", "",
			"topic to read, until Ctrl-C: kafka://BROKERS/TOPIC, where BROKERS is HOST[:PORT],HOST[:PORT]... and the default port 9092"),
		cli.String(&o.to, "to", "", "ADDR", "", "topic to write: records keep their keys, headers and timestamps"),
		cli.String(&o.group, "group", "", "NAME", "", "consumer group; its members share the partitions"),
		cli.Switch(&o.exactlyOnce, "exactly-once", "", true,
			"write each record exactly once, in transactions; without the flag, only where the cluster allows it; =false writes at least once"),
		cli.String(&o.transactionalID, "transactional-id", "", "NAME", "", "name of this member in transactions, the same when it starts again"),
		cli.String(&o.deadLetter, "dead-letter", "", "TOPIC", "",
			`topic for records that are not understood, which otherwise go on unchanged with a header "portannot-error", and for records that --to does not accept`),
		cli.Choice(&o.compression, "compression", "", "NAME", "snappy", kafka.Compressions(),
			"compression of what is written: "+cli.Or(kafka.Compressions()...)+"; default snappy"),
		cli.String(&o.clientID, "client-id", "", "NAME", "portannot", "name that brokers show; default portannot"),
		cli.Switch(&o.tls, "tls", "", false, "connections with TLS; trusts the system's certificates, or those of --tls-ca"),
		cli.String(&o.tlsCA, "tls-ca", "", "FILE", "", "certificates to trust, PEM").Of(cli.File),
		cli.String(&o.tlsCert, "tls-cert", "", "FILE", "", "certificate of this client, PEM").Of(cli.File),
		cli.String(&o.tlsKey, "tls-key", "", "FILE", "", "key of that certificate, PEM").Of(cli.File),
		cli.String(&o.tlsName, "tls-server-name", "", "NAME", "", "name that the brokers' certificates must be for"),
		cli.Choice(&o.sasl, "sasl", "", "MECHANISM", "", kafka.Mechanisms(), "mechanism of authentication: "+cli.Or(kafka.Mechanisms()...)),
		cli.String(&o.saslUser, "sasl-user", "", "NAME", "", "user to authenticate as; or "+kafkaUserEnv+" in the environment"),
		cli.String(&o.passwordFile, "sasl-password-file", "", "FILE", "",
			"file with the password; or "+kafkaPasswordEnv+" in the environment").Of(cli.File),
		cli.String(&o.tokenFile, "sasl-token-file", "", "FILE", "",
			"file with the token, read at each connection; or "+kafkaTokenEnv+" in the environment").Of(cli.File),
	}
}

// used reports that topics are read and written, not logs.
func (o *kafkaOptions) used() bool { return o.set.Changed("from") || o.set.Changed("to") }

// check finds flags that mean nothing without --from and --to, or with them.
func (o *kafkaOptions) check(fs *pflag.FlagSet) error {
	o.set = fs
	var given []string
	fs.Visit(func(f *pflag.Flag) { given = append(given, f.Name) })
	if !o.used() {
		for _, f := range o.flags() {
			if slices.Contains(given, f.Long) {
				return usagef("--from kafka://BROKERS/TOPIC --to kafka://BROKERS/TOPIC --group NAME", "--%s is for Kafka topics", f.Long)
			}
		}
		return nil
	}
	for _, name := range given {
		if slices.Contains([]string{"listen", "allow-exporter", "follow", "strict", "columns", "output-file", "rotate", "keep", "compress"}, name) {
			return usagef("", "--%s is not for Kafka topics", name)
		}
	}
	switch {
	case fs.NArg() > 0:
		return usagef("", "both --from and files: want one of them")
	case o.from == "" || o.to == "":
		return usagef("--from kafka://BROKERS/TOPIC --to kafka://BROKERS/TOPIC --group NAME", "--from and --to need each other")
	case o.group == "":
		return usagef("members that share the work have the same --group", "--from needs --group, the name of the consumer group")
	case !o.tls && (o.tlsCA != "" || o.tlsCert != "" || o.tlsKey != "" || o.tlsName != ""):
		return usagef("", "--tls-ca, --tls-cert, --tls-key and --tls-server-name need --tls")
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return usagef("", "--tls-cert and --tls-key need each other")
	}
	return nil
}

// config gives what a member needs, the annotation excepted.
func (o *kafkaOptions) config() (c kafka.Config, err error) {
	if c.From, err = kafka.ParseAddress(o.from); err != nil {
		return c, usagef("kafka://broker1:9092,broker2:9092/flows", "--from: %v", err)
	}
	if c.To, err = kafka.ParseAddress(o.to); err != nil {
		return c, usagef("kafka://broker1:9092,broker2:9092/flows-annotated", "--to: %v", err)
	}
	c.Group, c.TransactionalID, c.ClientID, c.Compression, c.DeadLetter = o.group, o.transactionalID, o.clientID, o.compression, o.deadLetter
	switch {
	case !o.exactlyOnce:
		c.Delivery = kafka.AtLeastOnce
	case o.set.Changed("exactly-once"):
		c.Delivery = kafka.ExactlyOnce
	}
	s := &c.Security
	*s = kafka.Security{TLS: o.tls, CAFile: o.tlsCA, CertFile: o.tlsCert, KeyFile: o.tlsKey, ServerName: o.tlsName, Mechanism: o.sasl, User: o.saslUser}
	if s.Mechanism == "" {
		if o.saslUser != "" || o.passwordFile != "" || o.tokenFile != "" {
			return c, usagef("--sasl takes "+cli.Or(kafka.Mechanisms()...), "--sasl-user, --sasl-password-file and --sasl-token-file need --sasl")
		}
		return c, nil
	}
	if s.User == "" {
		s.User = os.Getenv(kafkaUserEnv)
	}
	file, variable := o.passwordFile, kafkaPasswordEnv
	if s.Mechanism == "oauthbearer" {
		file, variable = o.tokenFile, kafkaTokenEnv
	} else if s.User == "" {
		return c, usagef("", "--sasl %s needs --sasl-user or %s", s.Mechanism, kafkaUserEnv)
	}
	switch {
	case file != "":
		s.Secret = kafka.SecretFile(file)
	case os.Getenv(variable) != "":
		s.Secret = kafka.SecretEnv(variable)
	case s.Mechanism == "oauthbearer":
		return c, usagef("", "--sasl oauthbearer needs --sasl-token-file or %s", variable)
	default:
		return c, usagef("", "--sasl %s needs --sasl-password-file or %s", s.Mechanism, variable)
	}
	return c, nil
}

// runEnrichKafka is a member of a consumer group until ctx ends, which is
// success.
func runEnrichKafka(ctx context.Context, e *env, o *enrichOptions) error {
	c, err := o.kafka.config()
	if err != nil {
		return err
	}
	protobuf := o.format == kafka.Protobuf
	if protobuf {
		o.format = "auto"
	}
	if c.Enrich, err = o.options(ctx, e); err != nil {
		return err
	}
	if protobuf {
		c.Enrich.Format = kafka.Protobuf
	}
	c.Report = func(s string) { e.warnf("%s", s) }
	if err := c.Check(); err != nil {
		return usagef("", "%v", err)
	}
	server, err := e.openMetrics(o.metrics, o.quiet, c.Enrich.Annotator.Registry())
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	m, err := kafka.New(c)
	if err != nil {
		return err
	}
	if server != nil {
		server.Add(func(w *metrics.Writer) { kafkaMetrics(w, m.Counts()) })
		server.SetHealth(m.Healthy)
	}
	// Names of brokers are looked up without the system's library, which would
	// load others.
	net.DefaultResolver.PreferGo = true
	if err := e.confine(o.rights, sandbox.Options{Network: true, ReadIfAllowed: o.kafka.readLater()}); err != nil {
		return err
	}
	if c.Security.Secret != nil {
		if err := o.kafka.readable(); err != nil {
			e.warnf("%v: it is kept as it was at the start", err)
		}
	}
	selecting := !c.Enrich.Selector.Empty()
	answered := e.onRequest(func() { kafkaSummary(e, "so far: ", m.Counts(), selecting) })
	err = m.Run(ctx)
	answered()
	if !o.quiet {
		e.mentionUndated(c.Enrich.Annotator)
		kafkaSummary(e, "", m.Counts(), selecting)
	}
	return err
}

// secretFiles are the files with secrets, which are read again when brokers are
// connected to.
func (o *kafkaOptions) secretFiles() (names []string) {
	for _, name := range []string{o.passwordFile, o.tokenFile} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// readable says which secret cannot be read again.
func (o *kafkaOptions) readable() error {
	for _, name := range o.secretFiles() {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// readLater lists the folders that are read after the start: those of secrets,
// and those that say how names of brokers are looked up. Files in them may be
// replaced meanwhile, so it is the folders.
func (o *kafkaOptions) readLater() (folders []string) {
	add := func(file string) {
		for _, name := range []string{file, resolved(file)} {
			folder, err := filepath.Abs(filepath.Dir(name))
			if err != nil || slices.Contains(folders, folder) {
				continue
			}
			if _, err := os.Stat(folder); err == nil {
				folders = append(folders, folder)
			}
		}
	}
	add("/etc/resolv.conf")
	for _, name := range o.secretFiles() {
		add(name)
	}
	return folders
}

// resolved follows symbolic links.
func resolved(name string) string {
	if to, err := filepath.EvalSymlinks(name); err == nil {
		return to
	}
	return name
}

// kafkaMetrics shows what a member does.
func kafkaMetrics(w *metrics.Writer, c kafka.Counts) {
	const p = "portannot_kafka_"
	for r, n := range c.Records {
		w.Counter(p+"records_total", "Records read, by what became of them. Those read again after a failure count again.", n, "result", kafka.Result(r).String())
	}
	w.Counter(p+"bytes_total", "Bytes of keys and values, not compressed.", c.Read, "direction", "read")
	w.Counter(p+"bytes_total", "Bytes of keys and values, not compressed.", c.Wrote, "direction", "written")
	for partition, n := range c.Lag {
		w.Gauge(p+"lag_records", "Records behind the end of a partition, when it was last read.", float64(n), "partition", strconv.Itoa(int(partition)))
	}
	w.Gauge(p+"partitions", "Partitions that this member reads.", float64(len(c.Lag)))
	w.Counter(p+"commits_total", "Commits that succeeded.", c.Commits)
	for _, f := range []struct {
		kind string
		n    uint64
	}{{"fetch", c.FetchErrors}, {"write", c.WriteErrors}, {"abort", c.Aborts}, {"restart", c.Restarts}} {
		w.Counter(p+"errors_total", "Failures, by kind.", f.n, "kind", f.kind)
	}
	exactly := 0.0
	if c.Delivery == kafka.ExactlyOnce {
		exactly = 1
	}
	w.Gauge(p+"exactly_once", "1 when the member writes in transactions.", exactly)
	last := 0.0
	if !c.LastCommit.IsZero() {
		last = float64(c.LastCommit.UnixMilli()) / 1000
	}
	w.Gauge(p+"last_commit_timestamp_seconds", "When the last commit succeeded; 0 before the first.", last)
	histogram := func(name, help string, h *kafka.Histogram) {
		upTo, count, sum := h.Sums()
		w.Histogram(p+name, help, upTo, count, sum)
	}
	histogram("annotate_seconds", "Time to annotate and hand over the records taken at once.", &c.Annotate)
	histogram("commit_seconds", "Time to write out and commit a batch.", &c.Commit)
	histogram("record_age_seconds", "Age by its timestamp of the first record taken, when it is annotated.", &c.Age)
	flowMetrics(w, &c.Flows)
}

// kafkaSummary accounts for what was done, on standard error.
func kafkaSummary(e *env, prefix string, c kafka.Counts, selecting bool) {
	var all uint64
	for _, n := range c.Records {
		all += n
	}
	more := ""
	for _, r := range []struct {
		n    uint64
		what string
	}{
		{c.Records[kafka.DeadLettered], "to the dead-letter topic"},
		{c.Records[kafka.Refused], "unchanged since the topic does not take them annotated"},
		{c.Records[kafka.Skipped], "left out since no topic takes them"},
	} {
		if r.n > 0 {
			more += fmt.Sprintf(", %d %s", r.n, r.what)
		}
	}
	e.warnf("%sread %s in %s: %d annotated, %d unchanged, %d not selected, %d not understood%s", prefix, plural(all, "record"), plural(c.Commits, "commit"),
		c.Records[kafka.Annotated], c.Records[kafka.Unchanged], c.Records[kafka.Dropped], c.Records[kafka.NotUnderstood], more)
	if c.Aborts > 0 {
		e.warnf("%s%s undone: their records were read again, and count each time", prefix, plural(c.Aborts, "commit"))
	}
	j := &enrichJob{env: e, selecting: selecting}
	j.flowSummary(&c.Flows)
}

// kafkaFormats describes what is read of topics only.
func kafkaFormats() []flowlog.Info {
	return []flowlog.Info{{
		Name: kafka.Protobuf, About: "goflow2 protobuf (-format=bin), in topics of Kafka only",
		Reads: "proto src_addr src_port dst_addr dst_port tcp_flags time_flow_start_ns time_received_ns of FlowMessage",
		Adds:  "field 21000, a message: see annotate/flowlog/kafka/portannot.proto",
	}}
}
