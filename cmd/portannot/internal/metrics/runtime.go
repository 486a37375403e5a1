package metrics

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// goValues are what the runtime says of its memory and its threads, by the names that
// Prometheus's library for Go gives them, which dashboards ask for. Each is the sum of
// metrics of package runtime/metrics.
var goValues = []struct {
	name, kind, help string
	of               []string
}{
	{"go_gc_gogc_percent", "gauge", "Heap size target that the user asks for, as GOGC.", []string{"/gc/gogc:percent"}},
	{"go_gc_gomemlimit_bytes", "gauge", "Memory limit that the user asks for, as GOMEMLIMIT.", []string{"/gc/gomemlimit:bytes"}},
	{"go_goroutines", "gauge", "Goroutines that exist.", []string{"/sched/goroutines:goroutines"}},
	{"go_sched_gomaxprocs_threads", "gauge", "Threads that may run Go code at once, GOMAXPROCS.", []string{"/sched/gomaxprocs:threads"}},
	{"go_memstats_alloc_bytes", "gauge", "Bytes of objects on the heap.", []string{heapObjects}},
	{"go_memstats_alloc_bytes_total", "counter", "Bytes allocated on the heap, those freed since too.", []string{"/gc/heap/allocs:bytes"}},
	{"go_memstats_buck_hash_sys_bytes", "gauge", "Bytes of the profiler's hash table.", []string{"/memory/classes/profiling/buckets:bytes"}},
	{"go_memstats_frees_total", "counter", "Objects freed on the heap.", []string{"/gc/heap/frees:objects", tinyAllocs}},
	{"go_memstats_gc_sys_bytes", "gauge", "Bytes of the collector's own.", []string{"/memory/classes/metadata/other:bytes"}},
	{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of objects on the heap.", []string{heapObjects}},
	{"go_memstats_heap_idle_bytes", "gauge", "Bytes of the heap that wait to be used.", []string{heapReleased, heapFree}},
	{"go_memstats_heap_inuse_bytes", "gauge", "Bytes of the heap that are in use.", []string{heapObjects, heapUnused}},
	{"go_memstats_heap_objects", "gauge", "Objects on the heap.", []string{"/gc/heap/objects:objects"}},
	{"go_memstats_heap_released_bytes", "gauge", "Bytes of the heap given back to the system.", []string{heapReleased}},
	{"go_memstats_heap_sys_bytes", "gauge", "Bytes of the heap had from the system.", []string{heapObjects, heapUnused, heapReleased, heapFree}},
	{"go_memstats_mallocs_total", "counter", "Objects allocated on the heap.", []string{"/gc/heap/allocs:objects", tinyAllocs}},
	{"go_memstats_mcache_inuse_bytes", "gauge", "Bytes of mcache structures in use.", []string{"/memory/classes/metadata/mcache/inuse:bytes"}},
	{"go_memstats_mcache_sys_bytes", "gauge", "Bytes of mcache structures.",
		[]string{"/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mcache/free:bytes"}},
	{"go_memstats_mspan_inuse_bytes", "gauge", "Bytes of mspan structures in use.", []string{"/memory/classes/metadata/mspan/inuse:bytes"}},
	{"go_memstats_mspan_sys_bytes", "gauge", "Bytes of mspan structures.",
		[]string{"/memory/classes/metadata/mspan/inuse:bytes", "/memory/classes/metadata/mspan/free:bytes"}},
	{"go_memstats_next_gc_bytes", "gauge", "Bytes of the heap at which the next collection begins.", []string{"/gc/heap/goal:bytes"}},
	{"go_memstats_other_sys_bytes", "gauge", "Bytes of other things had from the system.", []string{"/memory/classes/other:bytes"}},
	{"go_memstats_stack_inuse_bytes", "gauge", "Bytes of stacks.", []string{heapStacks}},
	{"go_memstats_stack_sys_bytes", "gauge", "Bytes of stacks, the system's threads' too.", []string{heapStacks, "/memory/classes/os-stacks:bytes"}},
	{"go_memstats_sys_bytes", "gauge", "Bytes had from the system.", []string{"/memory/classes/total:bytes"}},
}

const (
	heapObjects  = "/memory/classes/heap/objects:bytes"
	heapUnused   = "/memory/classes/heap/unused:bytes"
	heapReleased = "/memory/classes/heap/released:bytes"
	heapFree     = "/memory/classes/heap/free:bytes"
	heapStacks   = "/memory/classes/heap/stacks:bytes"
	tinyAllocs   = "/gc/heap/tiny/allocs:objects"
)

// goRuntime is a source: the memory, collections, goroutines and threads of the program.
func goRuntime(w *Writer) {
	var samples []metrics.Sample
	for _, v := range goValues {
		for _, name := range v.of {
			samples = append(samples, metrics.Sample{Name: name})
		}
	}
	metrics.Read(samples)
	for _, v := range goValues {
		sum := uint64(0)
		for range v.of {
			if samples[0].Value.Kind() == metrics.KindUint64 { // else this version of Go does not tell
				sum += samples[0].Value.Uint64()
			}
			samples = samples[1:]
		}
		w.value(v.kind, v.name, v.help, float64(sum), nil)
	}
	threads, _ := runtime.ThreadCreateProfile(nil)
	w.Gauge("go_threads", "Threads that were made.", float64(threads))
	w.Gauge("go_info", "Always 1; version of Go that the program was built with.", 1, "version", runtime.Version())

	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	quantiles := make([]float64, len(stats.PauseQuantiles))
	for i, d := range stats.PauseQuantiles {
		quantiles[i] = d.Seconds()
	}
	w.summary("go_gc_duration_seconds", "How long collections stop the program.", quantiles, uint64(stats.NumGC), stats.PauseTotal.Seconds())
	w.Gauge("go_memstats_last_gc_time_seconds", "When the last collection ended, in seconds since 1970.", float64(stats.LastGC.UnixNano())/1e9)
}
