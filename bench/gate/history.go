package gate

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// HistorySchema names the form of a Record.
const HistorySchema = "notifylab.history/1"

// ErrHistory is what a history that can't be read wraps; the message names the line.
var ErrHistory = errors.New("unusable history")

// Record is an accepted run: a line of the history.
type Record struct {
	Schema  string    `json:"schema"`
	Commit  string    `json:"commit"`
	Date    time.Time `json:"date"` // when it was measured
	Machine string    `json:"machine"`
	Metrics Figures   `json:"metrics"` // by "name unit"
}

// NewRecord takes the head's figures from a report. One without any is an error: no line of a
// history is empty.
func NewRecord(r *Report, now time.Time) (*Record, error) {
	rec := &Record{HistorySchema, r.Commit, now.UTC().Truncate(time.Second), r.Machine, Figures{}}
	for _, t := range r.Tiers {
		for i := range t.Lines {
			if l := &t.Lines[i]; l.Head != nil {
				rec.Metrics[l.key()] = *l.Head
			}
		}
	}
	if len(rec.Metrics) == 0 {
		return nil, fmt.Errorf("%w: no figure to add: want the counted or the timed tier, too",
			ErrHistory)
	}
	return rec, nil
}

// Append adds a line to a file, which need not be there yet.
func (rec *Record) Append(file string) error {
	line, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n')) // one write: another program's line can't come between
	return errors.Join(err, f.Close())
}

// ReadHistory reads all records, in their order. The errors wrap ErrHistory.
func ReadHistory(r io.Reader) ([]Record, error) {
	const longest = 1 << 20
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	var all []Record
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrHistory, n, err)
		}
		if rec.Schema != HistorySchema {
			return nil, fmt.Errorf("%w: line %d: schema %q: want %q", ErrHistory, n, rec.Schema,
				HistorySchema)
		}
		all = append(all, rec)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHistory, err)
	}
	return all, nil
}

// Series is one metric on one machine over time: figures of other machines don't compare.
type Series struct {
	Metric  string
	Machine string
	Commits []string
	Dates   []time.Time
	Values  []float64
	Changes []int // indices of the first value after each change point
}

// AllSeries splits a history into series with their change points, by machine and metric.
func AllSeries(history []Record) []Series {
	type key struct{ metric, machine string }
	by := make(map[key]*Series)
	for _, rec := range history {
		for metric, v := range rec.Metrics {
			k := key{metric, rec.Machine}
			s := by[k]
			if s == nil {
				s = &Series{Metric: metric, Machine: rec.Machine}
				by[k] = s
			}
			s.Commits, s.Dates = append(s.Commits, rec.Commit), append(s.Dates, rec.Date)
			s.Values = append(s.Values, v)
		}
	}
	var all []Series
	for _, s := range by {
		s.Changes = ChangePoints(s.Values)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Series) int {
		return cmp.Or(strings.Compare(a.Machine, b.Machine), strings.Compare(a.Metric, b.Metric))
	})
	return all
}

// WriteCSV writes a row per record and a column per metric, as Apache Otava imports it: time,
// attributes, metrics. A metric that a record lacks is empty.
func WriteCSV(w io.Writer, history []Record) error {
	names := make(map[string]bool)
	for _, rec := range history {
		for m := range rec.Metrics {
			names[m] = true
		}
	}
	metrics := slices.Sorted(maps.Keys(names))
	out := csv.NewWriter(w)
	rows := [][]string{append([]string{"time", "commit", "machine"}, metrics...)}
	for _, rec := range history {
		row := []string{rec.Date.Format(time.RFC3339), rec.Commit, rec.Machine}
		for _, m := range metrics {
			cell := ""
			if v, ok := rec.Metrics[m]; ok {
				cell = fmt.Sprint(v)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return out.WriteAll(rows)
}

// Machine tells this machine from others as far as figures are concerned.
func Machine() string {
	name := fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	info, err := os.ReadFile("/proc/cpuinfo") // of Linux only; without it the rest has to do
	if err != nil {
		return name
	}
	for line := range strings.Lines(string(info)) {
		if field, value, ok := strings.Cut(line, ":"); ok &&
			strings.TrimSpace(field) == "model name" {
			return name + ", " + strings.TrimSpace(value)
		}
	}
	return name
}
