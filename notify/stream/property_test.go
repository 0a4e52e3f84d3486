package stream_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

const (
	beat      = 3 * time.Second
	readLimit = 4 * beat
	writeMax  = time.Second
)

// TestProperty_TimeAndOrder publishes, writes slowly or fast, and lets the client speak, in any
// order. After every step of the session this is so: frames come in order, none is left out and
// none comes again; a ping comes exactly when one is due; the session ends exactly when a deadline
// was missed; and after its end there is nothing but the reason. One way, a ping is due after
// silence, and there is no deadline for what the client says.
func TestProperty_TimeAndOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		outbox := rapid.IntRange(1, 5).Draw(rt, "outbox")
		c := stream.Config{Heartbeat: beat, WriteTimeout: writeMax, Outbox: outbox}
		c.OneWay = rapid.Bool().Draw(rt, "one way")
		m := &model{rig: newRig(rt, c, watch.Config{}), pingAt: epoch.Add(beat), oneWay: c.OneWay}
		m.readBy = epoch.Add(readLimit)
		size := rapid.IntRange(0, 7).Draw(rt, "list")
		m.begin(size)
		for i := range size {
			m.want = append(m.want, fmt.Sprintf("l0.%d", i))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"publish": m.publishSome,
			"look":    m.look,
			"wait":    m.wait,
			"hear":    m.hear,
			"leave":   m.leave,
		})
		for m.reason == nil && m.step(rt).Until.IsZero() {
			m.settle()
		}
		if m.reason == nil {
			require.True(rt, slices.Equal(m.want, m.got), "%v", m.got)
			require.Zero(rt, m.Unsent())
		}
	})
}

// model knows what the next step must be.
type model struct {
	*rig
	want           []string
	pingAt, readBy time.Time
	writeBy        time.Time // zero: nothing is being written
	pinging        bool      // the client is
	oneWay         bool
	writing        bool // frames
	reason         error
}

func (m *model) publishSome(t *rapid.T) {
	first := int(m.rev) + 1
	m.publish(rapid.IntRange(1, 8).Draw(t, "n"))
	m.want = append(m.want, numbered("e", first, int(m.rev))...)
}

func (m *model) wait(t *rapid.T) {
	m.pass(time.Duration(rapid.IntRange(1, 2500).Draw(t, "ms")) * time.Millisecond)
}

func (m *model) look(t *rapid.T) {
	m.step(t)
	m.settle()
}

func (m *model) step(t *rapid.T) stream.Step {
	switch {
	case m.reason != nil:
	case !m.writeBy.IsZero() && m.now.After(m.writeBy):
		m.reason = stream.ErrWriteTimeout
	case !m.oneWay && !m.now.Before(m.readBy):
		m.reason = stream.ErrReadTimeout
	case m.oneWay && m.writing:
		m.pingAt = m.now.Add(beat)
	}
	before := len(m.got)
	step := m.next()
	require.Equal(t, m.reason, step.Err)
	if m.reason != nil {
		require.Empty(t, step.Frames)
		require.False(t, step.Ping)
		return step
	}
	due := !m.pinging && !m.now.Before(m.pingAt)
	due = due && (!m.oneWay || before == len(m.want))
	require.Equal(t, due, step.Ping)
	m.writing = !due && before < len(m.want)
	require.Equal(t, m.writing, len(step.Frames) > 0)
	require.True(t, slices.Equal(m.want[:len(m.got)], m.got), "%v", m.got)
	m.writeBy = time.Time{}
	if due || step.Frames != nil {
		m.writeBy = m.now.Add(writeMax)
	}
	require.Equal(t, m.writeBy, step.Deadline)
	if due && m.pingAt.Add(beat).After(m.now) {
		m.pingAt = m.pingAt.Add(beat)
	} else if due {
		m.pingAt = m.now.Add(beat)
	}
	if m.writeBy.IsZero() {
		m.checkUntil(t, step.Until)
	}
	return step
}

func (m *model) checkUntil(t *rapid.T, until time.Time) {
	want := m.readBy
	if m.oneWay || !m.pinging && m.pingAt.Before(want) {
		want = m.pingAt
	}
	require.Equal(t, want, until)
}

func (m *model) hear(t *rapid.T) {
	what := rapid.SampledFrom([]stream.Heard{stream.Pong, stream.Pong, stream.Ping, stream.Data})
	heard := what.Draw(t, "what")
	size := rapid.IntRange(0, 65).Draw(t, "size")
	m.Heard(m.now, heard, size)
	switch {
	case heard == stream.Data:
		if size > stream.DefaultReadLimit && m.reason == nil {
			m.reason = stream.ErrTooBig
		}
		return
	case m.now.Before(m.readBy):
		m.readBy = m.now.Add(readLimit)
	}
	m.pinging = m.pinging || heard == stream.Ping && !m.oneWay
}

func (m *model) leave(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
		t.Skip("stays")
	}
	m.End(stream.ErrLeft)
	if m.reason == nil {
		m.reason = stream.ErrLeft
	}
}
