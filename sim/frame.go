package sim

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// What goes over a stream: the registry's frame of a change, with the revision and the time at
// which it was due in front, for a consumer that checks and measures needs both. A list is one
// frame that says how far it goes; that of a real one would repeat every instance.
const (
	frameRevision = `{"revision":`
	frameDue      = `,"due":`
	framePosition = `,"position":`
)

var errFrame = errors.New("want {\"revision\":N,\"due\":N,… or {\"revision\":N,\"position\":N,…")

// framed is the payload of an event that goes over streams. It is encoded once.
type framed struct {
	change *registry.Change
	due    int64
	cache  stream.Cache
}

// encodeEvent is the stream.Config.Encode of all sessions.
func (st *stage) encodeEvent(ev *notify.Event) ([]byte, error) {
	f := ev.Payload.(*framed)
	return f.cache.Get(func() ([]byte, error) {
		st.encoded.Add(1)
		if st.s.Transport == GRPC {
			return f.encodeProto(ev.Revision), nil
		}
		return f.encode(ev.Revision), nil
	})
}

func (f *framed) encode(revision int64) []byte {
	object := f.change.Encoded()
	text := make([]byte, 0, len(object)+64)
	text = strconv.AppendInt(append(text, frameRevision...), revision, 10)
	text = strconv.AppendInt(append(text, frameDue...), f.due, 10)
	text = append(text, ',')
	return append(text, object[1:]...)
}

// encodeList is the stream.Config.EncodeList of all sessions.
func encodeList(l watch.List) ([][]byte, error) {
	text := strconv.AppendInt([]byte(frameRevision), l.Revision, 10)
	text = strconv.AppendInt(append(text, framePosition...), int64(l.State.(int)), 10)
	return [][]byte{append(text, `,"action":"INIT"}`...)}, nil
}

// decodeFrame reads a frame as far as a synthetic consumer needs it: what decoding all of it takes
// is part of the handling time.
func decodeFrame(text []byte, epoch time.Time) (frame, error) {
	rest, ok := bytes.CutPrefix(text, []byte(frameRevision))
	revision, rest, ok2 := cutInt(rest)
	due, isEvent := bytes.CutPrefix(rest, []byte(frameDue))
	position, isList := bytes.CutPrefix(rest, []byte(framePosition))
	switch {
	case !ok || !ok2:
	case isEvent:
		if at, _, ok := cutInt(due); ok {
			return frame{ev: &notify.Event{
				Type: registry.InstanceEvents, Revision: revision,
				Due: epoch.Add(time.Duration(at)),
			}}, nil
		}
	case isList:
		if n, _, ok := cutInt(position); ok {
			return frame{list: &watch.List{Revision: revision, State: int(n)}}, nil
		}
	}
	return frame{}, fmt.Errorf("frame %.60q: %w", text, errFrame)
}

// cutInt reads the number that text begins with.
func cutInt(text []byte) (n int64, rest []byte, ok bool) {
	end := 0
	for end < len(text) && (text[end] == '-' || text[end] >= '0' && text[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(string(text[:end]), 10, 64)
	return n, text[end:], err == nil
}
