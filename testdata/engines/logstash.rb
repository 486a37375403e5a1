# Runs the ruby blocks of a Logstash configuration as Logstash would, with the dictionary that the translate filters
# between them name: ruby logstash.rb CONFIG DICTIONARY < flows.csv. Flows and output are those of TestEngines.
require "csv"
require "json"

# Event has of Logstash's events what the blocks use.
class Event
  def initialize; @fields = {}; end

  def path(reference) = reference.scan(/\[([^\]]+)\]/).flatten

  def get(reference) = @fields.dig(*path(reference))

  def set(reference, value)
    *parents, last = path(reference)
    parents.inject(@fields) { |hash, key| hash[key] ||= {} }[last] = value
  end
end

config = File.read(ARGV[0])
dictionary = JSON.parse(File.read(ARGV[1]))
# `next` ends a block's work on an event, as in a lambda.
before, after = config.scan(/code => '(.*?)'\s*\n\s*}/m).flatten.map { |code| eval("lambda { |event| #{code} }") }
translations = config.scan(/source => "(.*?)"\s*target => "(.*?)"/m)
abort "not two ruby blocks and two translations" unless before && after && translations.size == 2

CSV($stdin) do |rows|
  rows.each do |id, proto, src, sport, dst, dport, stated, hint|
    event = Event.new
    event.set("[network][transport]", proto)
    event.set("[source][ip]", src)
    event.set("[destination][ip]", dst)
    event.set("[source][port]", sport.to_i) if sport != "-1"
    event.set("[destination][port]", dport.to_i) if dport != "-1"
    if hint == "destination"
      event.set("[server][ip]", dst)
      event.set("[server][port]", dport.to_i)
    end
    before.call(event)
    translations.each do |source, target|
      key = event.get(source)
      event.set(target, dictionary.fetch(key)) if key
    end
    after.call(event)
    values = %w[side reason confidence port].map { |name| event.get("[portannot][service][#{name}]") }
    values += %w[status name].map { |name| event.get("[portannot][registered][#{name}]") }
    values << (event.get("[portannot][registered][names]") || []).join("|")
    %w[source destination].each { |e| values += %w[status name].map { |name| event.get("[portannot][#{e}_registered][#{name}]") } }
    values << event.get("[portannot][caveat]")
    puts [id, *values].to_csv
  end
end
