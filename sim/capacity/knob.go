package capacity

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// ErrKnob is what the errors of knobs that can't be used wrap.
var ErrKnob = errors.New("capacity: unusable knob")

// valuesMax bounds what one knob may expand to: more is a slip of the keyboard.
const valuesMax = 1000

// notSwept are fields of a scenario that have no values beside each other.
var notSwept = []string{"seed", "topology", "stages", "faults", "slos", "trace"}

// Paths lists what a knob can be: fields of the configuration, then of the scenario.
func Paths() []string {
	var paths []string
	for _, f := range configFields {
		paths = append(paths, f.path)
	}
	for _, path := range sim.ScenarioPaths() {
		if !slices.Contains(notSwept, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// ParseKnob reads "path=values". Values are separated by commas, and each may be a range:
// "100..10000*2" goes on by a factor and "10..50+10" by a step, as long as the end isn't passed.
// Durations and shares go as well: "10ms..1s*10", "1%..5%+1%". The errors wrap ErrKnob.
func ParseKnob(text string) (sim.Knob, error) {
	path, list, ok := strings.Cut(text, "=")
	path = strings.TrimSpace(path)
	if !ok {
		return sim.Knob{}, fmt.Errorf("%w: %q: want path=values, such as queue_size=100,1000",
			ErrKnob, text)
	}
	if !slices.Contains(Paths(), path) {
		return sim.Knob{}, fmt.Errorf("%w: field %q: want %s", ErrKnob, path,
			sim.OneOf(path, Paths()))
	}
	k := sim.Knob{Path: path}
	for item := range strings.SplitSeq(list, ",") {
		values, err := expand(strings.TrimSpace(item))
		if err != nil {
			return sim.Knob{}, fmt.Errorf("%w: %s: %w", ErrKnob, path, err)
		}
		for _, v := range values {
			if slices.Contains(k.Values, v) {
				return sim.Knob{}, fmt.Errorf("%w: %s: %s is there twice: want each value once",
					ErrKnob, path, v)
			}
			k.Values = append(k.Values, v)
		}
	}
	if len(k.Values) > valuesMax {
		return sim.Knob{}, fmt.Errorf("%w: %s: %d values: want at most %d", ErrKnob, path,
			len(k.Values), valuesMax)
	}
	return k, nil
}

// quantity is a number with the unit that it was written in.
type quantity struct {
	unit  string // "": none; "%"; or "s" for a duration, in ns
	value float64
	whole bool // it was written without a fraction
}

func parseQuantity(text string) (q quantity, ok bool) {
	digits, percent := strings.CutSuffix(text, "%")
	if percent {
		q.unit = "%"
	}
	x, err := strconv.ParseFloat(digits, 64)
	if err == nil {
		q.value, q.whole = x, q.unit == "" && x == math.Trunc(x) && math.Abs(x) < 1<<53
		return q, !math.IsInf(x, 0) && !math.IsNaN(x)
	}
	d, err := time.ParseDuration(text)
	return quantity{unit: "s", value: float64(d), whole: true}, err == nil
}

// text writes a value as whoever reads the field would have it, in the unit of q.
func (q quantity) text(value float64) string {
	switch {
	case q.unit == "s":
		return time.Duration(math.Round(value)).String()
	case q.whole:
		return strconv.FormatFloat(math.Round(value), 'f', -1, 64)
	}
	return strconv.FormatFloat(value, 'g', 10, 64) + q.unit
}

// expand gives the values of one item of a list: itself, unless it is a range.
func expand(item string) ([]string, error) {
	from, rest, isRange := strings.Cut(item, "..")
	if item == "" {
		return nil, errors.New("an empty value: want values separated by commas")
	}
	if !isRange {
		return []string{item}, nil
	}
	at := strings.LastIndexAny(rest, "*+")
	if at < 0 {
		return nil, rangeError(item, "a range with its step")
	}
	first, ok1 := parseQuantity(from)
	last, ok2 := parseQuantity(rest[:at])
	step, ok3 := parseQuantity(rest[at+1:])
	if !ok1 || !ok2 || !ok3 {
		return nil, rangeError(item, "numbers")
	}
	if first.value == 0 && first.unit == "" { // 0 has every unit
		first.unit, first.whole = last.unit, last.whole
	}
	if rest[at] == '*' {
		return geometric(item, first, last, step)
	}
	return arithmetic(item, first, last, step)
}

func rangeError(item, want string) error {
	return fmt.Errorf("range %q: want %s, such as 100..10000*2, 10..50+10 or 10ms..1s*10",
		item, want)
}

func geometric(item string, first, last, factor quantity) ([]string, error) {
	switch {
	case first.unit != last.unit || factor.unit != "":
		return nil, rangeError(item, "ends of one unit and a factor without any")
	case !(first.value > 0 && last.value >= first.value && factor.value > 1):
		return nil, rangeError(item, "an end that is not below the begin, which is above 0, "+
			"and a factor above 1")
	}
	first.whole = first.whole && last.whole
	return series(item, first, last.value, func(i int) float64 {
		return first.value * math.Pow(factor.value, float64(i))
	})
}

func arithmetic(item string, first, last, step quantity) ([]string, error) {
	switch {
	case first.unit != last.unit || first.unit != step.unit:
		return nil, rangeError(item, "both ends and the step in one unit")
	case !(last.value >= first.value && step.value > 0):
		return nil, rangeError(item, "an end that is not below the begin, and a step above 0")
	}
	first.whole = first.whole && last.whole && step.whole
	return series(item, first, last.value, func(i int) float64 {
		return first.value + float64(i)*step.value
	})
}

// series collects values up to the last, which rounding must not lose. Equal ones, which a small
// factor makes of small whole numbers, count once.
func series(item string, q quantity, last float64, at func(int) float64) ([]string, error) {
	slack := math.Abs(last) * 1e-9
	var out []string
	for i := 0; at(i) <= last+slack; i++ {
		if i >= valuesMax {
			return nil, rangeError(item, fmt.Sprintf("at most %d values", valuesMax))
		}
		text := q.text(at(i))
		if len(out) == 0 || out[len(out)-1] != text {
			out = append(out, text)
		}
	}
	return out, nil
}

// configField is a field of the configuration that can be varied.
type configField struct {
	path string
	set  func(*sim.Config, string) error
}

var configFields = []configField{
	{"engine", func(c *sim.Config, v string) error { c.Engine = v; return nil }},
	{"queue_size", func(c *sim.Config, v string) error { return setSize(&c.QueueSize, v) }},
	{"watcher_queue", func(c *sim.Config, v string) error { return setSize(&c.WatcherQueue, v) }},
	{"policy", func(c *sim.Config, v string) error { c.Policy = v; return nil }},
	{"shards", func(c *sim.Config, v string) error { return setSize(&c.Shards, v) }},
}

func setSize(field *int, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q: want a whole number, 1 or more", text)
	}
	*field = n
	return nil
}
