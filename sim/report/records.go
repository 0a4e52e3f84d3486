package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/notifylab/notifylab/sim"
)

// writeJSON writes an array with one record per configuration.
func writeJSON(b *bytes.Buffer, results []Result) error {
	all := records(results)
	if all == nil {
		all = []Record{} // an empty array, not null
	}
	enc := json.NewEncoder(b)
	enc.SetIndent("", " ")
	return enc.Encode(all)
}

// writeCSV writes a line of names, those of json, and one line per configuration (RFC 4180). For
// each objective that any of them has it adds two columns: the value, in the unit that is in the
// name, and the verdict. Stages are in csv-stages: in one table with the runs they'd be counted
// twice by whoever sums a column.
func writeCSV(b *bytes.Buffer, results []Result) error {
	var asked []sim.SLO
	for _, r := range results {
		for _, o := range objectivesOf(r.Document) {
			if !slices.Contains(asked, o) {
				asked = append(asked, o)
			}
		}
	}
	names := columns(reflect.TypeFor[Figures]())
	for _, o := range asked {
		names = append(names, o.String()+" ("+csvUnit(o.Metric)+")", o.String()+" verdict")
	}
	w := csv.NewWriter(b)
	if err := w.Write(names); err != nil {
		return err
	}
	for _, x := range records(results) {
		line := cells(reflect.ValueOf(x.Figures))
		for _, o := range asked {
			line = append(line, objectiveCells(x.Objectives, o.String())...)
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// objectiveCells are a value and a verdict, both empty for a run that doesn't have the objective.
func objectiveCells(all []ObjectiveFigures, slo string) []string {
	for _, o := range all {
		if o.SLO != slo {
			continue
		}
		value := ""
		if o.Value != nil {
			value = strconv.FormatFloat(*o.Value, 'f', -1, 64)
		}
		return []string{value, o.Verdict}
	}
	return []string{"", ""}
}

// csvUnit is the unit of the values of a metric.
func csvUnit(metric string) string {
	switch unitOf(metric) {
	case sim.TimeUnit:
		return "ns"
	case sim.SizeUnit:
		return "bytes"
	}
	return "share"
}

// ofRun are the columns of csv that csv-stages has, too.
var ofRun = []string{"result", "run", "seed", "settings", "clock", "engine", "policy",
	"queue_size", "watcher_queue", "shards", "baseline", "verdict"}

// writeStages writes a line of names, and one line per stage of each configuration, as csv.
func writeStages(b *bytes.Buffer, results []Result) error {
	w := csv.NewWriter(b)
	names := columns(reflect.TypeFor[Figures]())
	if err := w.Write(slices.Concat(ofRun, columns(reflect.TypeFor[StageFigures]()))); err != nil {
		return err
	}
	for _, x := range records(results) {
		all := cells(reflect.ValueOf(x.Figures))
		var run []string
		for _, name := range ofRun {
			run = append(run, all[slices.Index(names, name)])
		}
		for _, st := range x.Stages {
			if err := w.Write(slices.Concat(run, cells(reflect.ValueOf(st)))); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// columns are the names of the fields in JSON.
func columns(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		names = append(names, jsonName(f))
	}
	return names
}

func cells(v reflect.Value) []string {
	line := make([]string, v.NumField())
	for i := range line {
		line[i] = fmt.Sprint(v.Field(i).Interface())
	}
	return line
}
