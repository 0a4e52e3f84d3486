package report

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// Command is the command line that runs one configuration of a document again. Of a topology the
// document knows the name only, so its file has to be in the directory.
func Command(d *sim.Document, c *sim.Config) string {
	words := []string{"simulate"}
	if d.Environment.Clock == sim.VirtualClock {
		words = append(words, "--clock", sim.VirtualClock)
	}
	words = append(words, scenarioFlags(&d.Scenario)...)
	words = append(words, "--engine", c.Engine)
	if _, full, err := (sim.Config{Engine: c.Engine}).Resolve(); err != nil ||
		full.Policy != c.Policy { // a baseline takes no policy but its own
		words = append(words, "--policy", c.Policy)
	}
	words = append(words, "--queue-sizes", strconv.Itoa(c.QueueSize),
		"--watcher-queues", strconv.Itoa(c.WatcherQueue))
	if c.Shards > 0 {
		words = append(words, "--shards", strconv.Itoa(c.Shards))
	}
	if c.NoResync {
		words = append(words, "--no-resync")
	}
	return Quote(words)
}

// Quote makes a command line for a POSIX shell of words.
func Quote(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// always are the flags that say what was run, also where they are as by default. The time to heal
// is among them because its default depends on the number of consumers.
var always = []string{"workload", "seed", "consumers", "duration", "heal"}

// scenarioFlags are those, and the flags for what isn't as it is by default. The program's flags
// have the names of the scenario's fields, so a new field needs nothing here.
func scenarioFlags(s *sim.Scenario) []string {
	var flags []string
	def := sim.DefaultScenario()
	have, usual := reflect.ValueOf(*s), reflect.ValueOf(def)
	for i := range have.NumField() {
		v, t := have.Field(i), have.Type().Field(i)
		if !t.IsExported() { // what was read from a file that is named elsewhere
			continue
		}
		name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
		usually := reflect.DeepEqual(v.Interface(), usual.Field(i).Interface()) &&
			!slices.Contains(always, name)
		switch {
		case usually, name == "workload" && v.IsZero(): // there is a topology instead
		case v.Kind() == reflect.Slice: // of which a flag gives one
			for k := range v.Len() {
				flags = append(flags, "--"+strings.TrimSuffix(name, "s"), flagValue(v.Index(k)))
			}
		default:
			flags = append(flags, "--"+strings.ReplaceAll(name, "_", "-"), flagValue(v))
		}
	}
	return flags
}

func flagValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}

// quote makes one word of a POSIX shell of w.
func quote(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_./:,%+=@µ", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
