package alarm_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
)

func TestField_KeepsItsKeyAndTypedValue(t *testing.T) {
	for _, tt := range []struct {
		field alarm.Field
		want  any
		text  string
	}{
		{alarm.String("k", "v"), "v", "k=v"},
		{alarm.Int("k", -3), int64(-3), "k=-3"},
		{alarm.Duration("k", time.Minute), time.Minute, "k=1m0s"},
		{alarm.Float("k", 0.25), 0.25, "k=0.25"},
	} {
		assert.Equal(t, "k", tt.field.Key())
		assert.Equal(t, tt.want, tt.field.Value())
		assert.Equal(t, tt.text, tt.field.String())
	}
}

func TestField_CutsBetweenCharacters(t *testing.T) {
	x := strings.Repeat("x", alarm.KeyMax)
	for _, tt := range []struct{ key, want string }{
		{x, x},
		{x + "y", x},
		{x[:63] + "é", x[:63]},
		{x[:62] + "é", x[:62] + "é"},
		{x[:61] + "😀", x[:61]},
		{x[:60] + "😀", x[:60] + "😀"},
		{x[:60] + "\xff", x[:60] + "\uFFFD"},
		{x[:62] + "\xff", x[:62]},
	} {
		assert.Equal(t, tt.want, alarm.Int(tt.key, 0).Key(), "%q", tt.key)
	}
}

// TestField_IsBoundedAndValidUTF8: what fits and is valid stays as it is; of what is too long, as
// many whole characters as fit are kept.
func TestField_IsBoundedAndValidUTF8(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.StringOf(rapid.SampledFrom([]rune("xé€😀"))), // of 1 to 4 bytes
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		).Draw(t, "text")
		text = strings.Repeat(text, rapid.IntRange(1, 300).Draw(t, "times"))
		f := alarm.String(text, text)
		for got, limit := range map[string]int{
			f.Key(): alarm.KeyMax, f.Value().(string): alarm.StringMax,
		} {
			require.LessOrEqual(t, len(got), limit)
			require.True(t, utf8.ValidString(got))
			if !utf8.ValidString(text) {
				continue
			}
			require.True(t, strings.HasPrefix(text, got))
			_, next := utf8.DecodeRuneInString(text[len(got):])
			require.True(t, len(got) == len(text) || len(got)+next > limit)
		}
	})
}

func TestRaise_NamesWhatIsInvalid(t *testing.T) {
	r := testRig(t)
	many := make([]alarm.Field, alarm.FieldsMax+1)
	for _, tt := range []struct {
		id     alarm.ID
		fields []alarm.Field
		want   string
	}{
		{"", nil, `id "": want 1 to 64 bytes`},
		{alarm.ID(strings.Repeat("x", 65)), nil, "want 1 to 64 bytes"},
		{"x", many, "17 fields: want at most 16"},
		{"x", []alarm.Field{{}}, "field 0 has no key"},
		{"x", []alarm.Field{alarm.Int("k", 1), alarm.String("k", "")}, `field 1: key "k"`},
	} {
		for _, f := range []func(*notify.Engine, time.Time, alarm.ID, ...alarm.Field) error{
			alarm.Raise, alarm.Clear,
		} {
			err := f(r.Engine, r.now, tt.id, tt.fields...)
			assert.ErrorIs(t, err, alarm.ErrInvalid)
			assert.ErrorContains(t, err, tt.want)
		}
	}
	assert.Zero(t, r.Stats().Published)
}

// TestRaise_NeverWaits would not end if it did: nobody makes room in the queue.
func TestRaise_NeverWaits(t *testing.T) {
	r := testRig(t, waiting)
	fillAlarms(r)
	assert.ErrorIs(t, alarm.Raise(r.Engine, r.now, "x"), notify.ErrFull)
	assert.ErrorIs(t, alarm.Clear(r.Engine, r.now, "x"), notify.ErrFull)
	r.settle(alarmShard)
	assert.NoError(t, alarm.Raise(r.Engine, r.now, "x"))
	r.Engine.Close()
	assert.ErrorIs(t, alarm.Raise(r.Engine, r.now, "x"), notify.ErrClosed)
}

func TestRaise_NeedsTheTypeOfAlarms(t *testing.T) {
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: {}}})
	require.NoError(t, err)
	assert.ErrorIs(t, alarm.Raise(e, epoch, "x"), notify.ErrUnknownType)
	_, err = alarm.Open(e)
	assert.ErrorIs(t, err, notify.ErrUnknownType)
}

func TestRaise_KeepsNothingOfTheCaller(t *testing.T) {
	r := testRig(t)
	fields := []alarm.Field{alarm.Int("n", 1)}
	require.NoError(t, alarm.Raise(r.Engine, r.now, "x", fields...))
	fields[0] = alarm.Int("n", 2)
	r.settle(alarmShard)
	assert.Equal(t, int64(1), r.get("x").Fields.Get("n"))
}
