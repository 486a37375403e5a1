#!/usr/bin/env bash
# A cluster of Apache Kafka on this machine, of its published jars, for the program
# beside this script:
#
#	cluster.sh install       fetches the jars with Maven, once
#	cluster.sh start N       starts broker N, from 1 to 3, which are one cluster
#	cluster.sh stop N        stops it;  kill N ends it with -9
#	cluster.sh clean         stops all and removes their data
#
# DIR is where all of it lies, default /tmp/portannot-kafka. It needs Java 17 and Maven,
# and 0.6 GB of memory a broker. Brokers listen on 127.0.0.1 alone: 19091, 19092 and
# 19093 in the clear, 29091 … with TLS and SASL, which have the user "test" with the
# password "secret".
set -euo pipefail
version=4.1.0
dir=${DIR:-/tmp/portannot-kafka}
brokers=(1 2 3)

run() { # CLASS ARGS...
	exec java -Xms128m -Xmx384m -XX:+UseSerialGC -Dlog4j2.configurationFile="$dir/log4j2.xml" -cp "$dir/libs/*" "$@"
}

install() {
	mkdir -p "$dir"
	cat >"$dir/pom.xml" <<-END
		<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
		<groupId>local</groupId><artifactId>local</artifactId><version>1</version><dependencies>
		<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
		<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
		</dependencies></project>
	END
	mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/libs"
}

prepare() {
	cat >"$dir/log4j2.xml" <<-END
		<Configuration><Appenders><Console name="out"><PatternLayout pattern="%d %p %m%n"/></Console></Appenders>
		<Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers></Configuration>
	END
	# A certificate that signs itself, for 127.0.0.1.
	rm -f "$dir/key.p12" "$dir/ca.pem"
	keytool -genkeypair -alias k -keyalg EC -dname CN=portannot-test -ext san=ip:127.0.0.1 -validity 30 \
		-storetype PKCS12 -keystore "$dir/key.p12" -storepass secret-key 2>/dev/null
	keytool -exportcert -rfc -alias k -keystore "$dir/key.p12" -storepass secret-key >"$dir/ca.pem" 2>/dev/null
	local id=portannot-test-AAAAAAA
	for n in "${brokers[@]}"; do
		cat >"$dir/$n.properties" <<-END
			process.roles=broker,controller
			node.id=$n
			controller.quorum.voters=1@127.0.0.1:39091,2@127.0.0.1:39092,3@127.0.0.1:39093
			controller.listener.names=CONTROLLER
			listeners=PLAINTEXT://127.0.0.1:1909$n,SASL_SSL://127.0.0.1:2909$n,CONTROLLER://127.0.0.1:3909$n
			listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
			inter.broker.listener.name=PLAINTEXT
			sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
			listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_test="secret";
			listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
			listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
			ssl.keystore.type=PKCS12
			ssl.keystore.location=$dir/key.p12
			ssl.keystore.password=secret-key
			log.dirs=$dir/data-$n
			offsets.topic.replication.factor=3
			offsets.topic.num.partitions=8
			transaction.state.log.replication.factor=3
			transaction.state.log.min.isr=2
			transaction.state.log.num.partitions=8
			min.insync.replicas=2
			group.initial.rebalance.delay.ms=0
		END
		(run kafka.tools.StorageTool format -t "$id" -c "$dir/$n.properties" --ignore-formatted \
			--add-scram 'SCRAM-SHA-256=[name=test,password=secret]' --add-scram 'SCRAM-SHA-512=[name=test,password=secret]' >"$dir/format-$n.log")
	done
}

start() {
	[[ -d $dir/data-1 ]] || prepare
	(run kafka.Kafka "$dir/$1.properties" >>"$dir/$1.log" 2>&1) &
	echo $! >"$dir/$1.pid"
}

signal() { # SIGNAL N
	[[ ! -f $dir/$2.pid ]] || kill "$1" "$(cat "$dir/$2.pid")" 2>/dev/null || true
}

case ${1:-} in
install) install ;;
start) start "$2" ;;
stop) signal -TERM "$2" ;;
kill) signal -KILL "$2" ;;
clean)
	for n in "${brokers[@]}"; do signal -KILL "$n"; done
	rm -rf "$dir"/data-* "$dir"/*.log "$dir"/*.pid
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
