package report

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// The largest figures that a document may have. Beyond them sums and axes lose their meaning.
const (
	figureMax = 1e18
	bucketMax = 128 // of a histogram of times: 2^64 ns
)

// check finds what decodes and still can't be: what a run can't have done, and numbers of runs that
// aren't there. The error names the first field.
func check(d *sim.Document) error {
	for i, r := range d.Runs {
		if r == nil {
			return fmt.Errorf("runs[%d] is null: want the object of a run", i)
		}
	}
	for _, part := range []struct {
		name string
		v    any
	}{
		{"scenario", d.Scenario}, {"environment", d.Environment}, {"runs", d.Runs},
		{"sweep", d.Sweep}, {"capacity", d.Capacity}, {"recommendation", d.Recommendation},
	} {
		if err := checkFigures(part.name, reflect.ValueOf(part.v)); err != nil {
			return err
		}
	}
	for i, r := range d.Runs {
		if err := checkSeries(r.Series); err != nil {
			return fmt.Errorf("runs[%d].%w", i, err)
		}
	}
	return checkAnswers(d)
}

// least are the figures that may be below 0, with the least that they may be.
var least = map[string]int64{"heal_ns": -1, "choice": -1}

// checkFigures walks through all figures below v. What is written as a text has been checked by
// its reader.
func checkFigures(path string, v reflect.Value) error {
	switch v.Interface().(type) {
	case time.Time, encoding.TextMarshaler:
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return checkFigures(path, v.Elem())
		}
	case reflect.Int, reflect.Int64:
		name := path[strings.LastIndexByte(path, '.')+1:]
		if v.Int() < least[name] {
			return fmt.Errorf("%s is %d: want %d or more", path, v.Int(), least[name])
		}
	case reflect.Float64:
		if f := v.Float(); !(f >= 0 && f <= figureMax) {
			return fmt.Errorf("%s is %g: want 0 to %g", path, f, figureMax)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkFigures(fmt.Sprintf("%s[%d]", path, i), v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for at := v.MapRange(); at.Next(); {
			err := checkFigures(fmt.Sprintf("%s.%v", path, at.Key()), at.Value())
			if err != nil {
				return err
			}
		}
	case reflect.Struct:
		for f, x := range v.Fields() {
			if !f.IsExported() {
				continue
			}
			if err := checkFigures(path+"."+jsonName(f), x); err != nil {
				return err
			}
		}
	}
	return nil
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// checkSeries checks that time doesn't run back, and the size of what is drawn for each second.
func checkSeries(series []sim.Point) error {
	for i := range series {
		p := &series[i]
		if i > 0 && p.At < series[i-1].At {
			return fmt.Errorf("series[%d].at_s is %v: want %v or more, as the point before has it",
				i, p.At, series[i-1].At)
		}
		if s := p.Spread; s != nil && (s.From > bucketMax || s.From+len(s.Counts) > bucketMax) {
			return fmt.Errorf("series[%d].propagation_spread: goes up to 2^(%d/2) ns: want 2^%d "+
				"at most", i, s.From+len(s.Counts), bucketMax/2)
		}
	}
	return nil
}

// checkAnswers checks the numbers of runs and of options.
func checkAnswers(d *sim.Document) error {
	there := func(i int, path string, args ...any) error {
		if i < len(d.Runs) {
			return nil
		}
		return fmt.Errorf("%s is %d: want the number of one of %d runs, from 0",
			fmt.Sprintf(path, args...), i, len(d.Runs))
	}
	var wrong []error
	if c := d.Capacity; c != nil {
		for i := range c.Trials {
			wrong = append(wrong, there(c.Trials[i].Run, "capacity.trials[%d].run", i))
		}
		for i := range c.Knee {
			wrong = append(wrong, there(c.Knee[i].Run, "capacity.knee[%d].run", i))
		}
	}
	if rec := d.Recommendation; rec != nil {
		for i := range rec.Options {
			for k, n := range rec.Options[i].Runs {
				wrong = append(wrong, there(n, "recommendation.options[%d].runs[%d]", i, k))
			}
			for k, n := range rec.Options[i].Fresh {
				wrong = append(wrong, there(n, "recommendation.options[%d].fresh_runs[%d]", i, k))
			}
		}
		if rec.Choice >= len(rec.Options) {
			wrong = append(wrong, fmt.Errorf("recommendation.choice is %d: want the number of one "+
				"of %d options, from 0, or -1", rec.Choice, len(rec.Options)))
		}
	}
	if s := d.Sweep; s != nil && len(s.Knobs) == 0 {
		wrong = append(wrong, errors.New("sweep.knobs is missing or empty: want one or more"))
	}
	for _, err := range wrong {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkHistograms checks that those can be read that reports are made from.
func checkHistograms(d *sim.Document) error {
	drops := latency{field: "drops_per_consumer",
		pick: func(r *sim.Run) *sim.Summary { return &r.Drops }}
	for i, r := range d.Runs {
		for _, l := range append(allLatencies[:len(allLatencies):len(allLatencies)], drops) {
			s := l.pick(r)
			if s.Count == 0 && s.HDR == "" { // a run that was never begun
				continue
			}
			if _, err := s.Decode(); err != nil {
				return fmt.Errorf("runs[%d].%s.%w", i, l.field, err)
			}
		}
	}
	return nil
}
