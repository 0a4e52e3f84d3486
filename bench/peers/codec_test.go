package peers_test

import (
	"encoding/binary"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Some peers carry bytes. What they carry of an event is what the subscribers look at.

var epoch = time.Now() // with its monotonic reading, which doesn't survive a message

func encode(ev *notify.Event) []byte {
	data := make([]byte, 16)
	binary.BigEndian.PutUint64(data, uint64(ev.Revision))
	if !ev.Due.IsZero() {
		binary.BigEndian.PutUint64(data[8:], uint64(ev.Due.Sub(epoch)))
	}
	return data
}

func decode(data []byte) notify.Event {
	ev := notify.Event{Revision: int64(binary.BigEndian.Uint64(data))}
	if d := binary.BigEndian.Uint64(data[8:]); d != 0 {
		ev.Due = epoch.Add(time.Duration(d))
	}
	return ev
}
