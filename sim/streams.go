package sim

import (
	"errors"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// Streams is what the sessions of a run did, from its begin to its end.
type Streams struct {
	Opened     int64            `json:"opened"`
	Heartbeats int64            `json:"heartbeats"` // pings sent; over ws, those that were read
	Encoded    int64            `json:"encoded"`    // events made frames, each once
	Frames     int64            `json:"frames"`     // sent; over ws, those that were read
	Unsent     int64            `json:"unsent"`     // events in sessions that ended before them
	Refused    int64            `json:"refused"`    // attempts to connect that failed
	Ended      map[string]int64 `json:"ended"`      // sessions, by reason; not those at its end
}

// The reasons of a session's end, by the names that a result has.
var endReasons = [...]struct {
	name   string
	reason error
}{
	{EndedByWrite, stream.ErrWriteTimeout},
	{EndedByRead, stream.ErrReadTimeout},
	{"left", stream.ErrLeft},
	{"vanished", stream.ErrVanished},
	{"write failed", stream.ErrWrite},
	{"list timeout", watch.ErrListTimeout},
	{"slow", notify.ErrSlow},
	{"closed", notify.ErrClosed},
	{"other", nil},
}

// The two of them that say that a client was too slow, or away.
const (
	EndedByWrite = "write timeout"
	EndedByRead  = "read timeout"
)

// streamCounts is what a lane, or a server, counts of its sessions.
type streamCounts struct {
	opened, heartbeats, frames, unsent, refused int64

	ended [len(endReasons)]int64
}

func (n *streamCounts) end(reason error) {
	i := 0
	for i < len(endReasons)-1 && !errors.Is(reason, endReasons[i].reason) {
		i++
	}
	n.ended[i]++
}

func (n *streamCounts) merge(o *streamCounts) {
	n.opened += o.opened
	n.heartbeats += o.heartbeats
	n.frames += o.frames
	n.unsent += o.unsent
	n.refused += o.refused
	for i := range n.ended {
		n.ended[i] += o.ended[i]
	}
}

func (n *streamCounts) result(encoded int64) *Streams {
	s := &Streams{
		Opened: n.opened, Heartbeats: n.heartbeats, Encoded: encoded, Frames: n.frames,
		Unsent: n.unsent, Refused: n.refused, Ended: make(map[string]int64),
	}
	for i, ended := range n.ended {
		if ended > 0 {
			s.Ended[endReasons[i].name] = ended
		}
	}
	return s
}

// checkReceived compares what the engine says it delivered with what became of that. In process
// the consumers have all of it; with sessions what these have not written counts, too. What is in
// the buffers of a real connection that breaks nobody sees: it is what the others don't account
// for.
func (t *trial) checkReceived(rec *recorder, delivered int64) {
	received := rec.received
	wrong := received != delivered
	switch {
	case t.preset.Pull:
		return
	case t.s.Transport.Real():
		wrong = received > delivered
		rec.lostOnWire = max(delivered-received-rec.streams.unsent, 0)
	}
	if wrong {
		t.checks.fail(checkReceived, "the engine says %d, the consumers %d", delivered, received)
	}
}
