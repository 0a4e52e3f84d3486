package report_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// damage is a document in which values are others: what is damaged so is often read, which what is
// damaged byte by byte hardly is.
func damage(t testing.TB, text []byte, where []uint64, what []int) ([]byte, bool) {
	var doc any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&doc) != nil {
		return nil, false
	}
	for i := range where {
		if all := places(doc); len(all) > 0 {
			all[where[i]%uint64(len(all))](values[what[i]%len(values)])
		}
	}
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return out, true
}

// values are what is put into a document in place of what was there.
var values = []any{nil, 0, 1, -1, 3, 99, 1 << 40, json.Number("9223372036854775807"),
	json.Number("1e18"), json.Number("1e-300"), 0.5, "", "x", "1", true, list{}, list{nil}, list{1},
	map[string]any{}, list{map[string]any{}}}

// places are all that a value consists of, as functions that put another one there.
func places(at any) (all []func(any)) {
	switch at := at.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(at)) {
			all = append(all, func(v any) { at[k] = v })
			all = append(all, places(at[k])...)
		}
	case list:
		for i := range at {
			all = append(all, func(v any) { at[i] = v })
			all = append(all, places(at[i])...)
		}
	}
	return all
}

// small are real documents of a few runs and seconds, so that much can be tried with them.
func small(t testing.TB) (out [][]byte) {
	h := hdrhistogram.New(1, 1000, 1) // one of the usual range takes long to walk through
	require.NoError(t, h.RecordValues(900, 3))
	hdr, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	require.NoError(t, err)
	few := sim.Summary{Count: 3, P50: 900, P90: 900, P99: 900, P999: 900, Max: 900,
		HDR: string(hdr)}
	for _, run := range []func() ([]byte, error){runStaged, runSwept, runLoaded, runAdvised} {
		text, err := run()
		require.NoError(t, err)
		var d sim.Document
		require.NoError(t, json.Unmarshal(text, &d))
		d.Runs = d.Runs[:3]
		for _, r := range d.Runs {
			r.Series = r.Series[:min(len(r.Series), 4)]
			for _, s := range []*sim.Summary{&r.Propagation, &r.Staleness, &r.PublishWait,
				&r.GeneratorLag, &r.ConsumerLag, &r.Drops} {
				*s = few
			}
		}
		if d.Capacity != nil {
			for i := range d.Capacity.Trials {
				d.Capacity.Trials[i].Run = i % 3
			}
			for i := range d.Capacity.Knee {
				d.Capacity.Knee[i].Run = i % 3
			}
		}
		if d.Recommendation != nil {
			for i := range d.Recommendation.Options {
				d.Recommendation.Options[i].Runs = []int{i % 3}
			}
		}
		text, err = json.Marshal(&d)
		require.NoError(t, err)
		out = append(out, text)
	}
	return out
}

// What Read takes, every format can write, whatever was said to be in the document. Fuzz it with
// -fuzzminimizetime 1x: else nearly all of the time goes into making what was found smaller.
func FuzzRead(f *testing.F) {
	for i, text := range small(f) {
		f.Add(text, uint64(40*i), 3)
	}
	f.Add([]byte(`{"schema":"notifylab.result/1","scenario":{"duration":9e9},"runs":[{"config":{},`+
		`"series":[{"at_s":1,"propagation_spread":{"from":3,"counts":[1]}}]}],`+
		`"sweep":{"knobs":[{"path":"a","values":["1","2"]}]},`+
		`"capacity":{"trials":[{"run":0}],"knee":[{"run":0,"fraction":1}]},`+
		`"recommendation":{"options":[{"runs":[0]}]}}`), uint64(7), 1)
	f.Fuzz(func(t *testing.T, text []byte, where uint64, what int) {
		writeAll(t, text)
		if bent, ok := damage(t, text, []uint64{where}, []int{what & 0xff}); ok {
			writeAll(t, bent)
		}
	})
}

// writeAll writes a document in all formats, if it can be read.
func writeAll(t testing.TB, text []byte) {
	d, err := report.Read(bytes.NewReader(text))
	if err != nil {
		return
	}
	for _, format := range report.Formats() {
		var b bytes.Buffer
		err := format.Write(&b, []report.Result{{Name: "x", Document: d}})
		require.NoError(t, err, format.Name)
	}
}

// As FuzzRead has it, with some values that are others at once.
func TestWhatIsReadCanBeWritten(t *testing.T) {
	docs := small(t)
	rapid.Check(t, func(rt *rapid.T) {
		var where []uint64
		var what []int
		for range rapid.IntRange(1, 3).Draw(rt, "times") {
			where = append(where, rapid.Uint64().Draw(rt, "where"))
			what = append(what, rapid.IntRange(0, len(values)-1).Draw(rt, "what"))
		}
		bent, _ := damage(t, rapid.SampledFrom(docs).Draw(rt, "document"), where, what)
		writeAll(t, bent)
	})
}
