package live

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// events is the stream of one reader. It ends with the board, with the server, or when the reader
// is gone or takes nothing.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	defer s.readers.Add(-1)
	if s.readers.Add(1) > ReadersMax {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("there are %d readers already", ReadersMax),
			http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	st := &stream{s: s, w: w, gone: r.Context().Done()}
	at, known := s.c.Board.place(r.Header.Get("Last-Event-ID"))
	if st.at = at; !known {
		st.at = 0
		fmt.Fprintf(&st.b, "event: %s\ndata: {}\n\n", eventReset)
	}
	fmt.Fprint(&st.b, "retry: 1000\n\n") // ms until a browser comes back
	st.run()
}

// stream is a place in the log of the board, and the way to a reader.
type stream struct {
	s    *Server
	w    http.ResponseWriter
	gone <-chan struct{}
	at   uint64       // the id of the last entry that was sent
	b    bytes.Buffer // at most a burst
}

func (st *stream) run() {
	clk := clock.Real{}
	for {
		entries, more := st.s.c.Board.after(st.at)
		for _, e := range entries {
			fmt.Fprintf(&st.b, "id: %s\nevent: %s\ndata: %s\n\n", st.s.c.Board.idOf(e.id), e.event,
				e.data)
			st.at = e.id
		}
		if st.flush(clk.Now()) != nil {
			return
		}
		switch {
		case len(entries) > 0 && entries[len(entries)-1].event == eventDone:
			return
		case len(entries) == burst:
			continue // there may be more of what is kept
		case !st.rest(clk, more):
			return
		}
	}
}

// flush sends what is in the buffer.
func (st *stream) flush(now time.Time) error {
	defer st.b.Reset()
	c := http.NewResponseController(st.w)
	// Not every kind of connection has deadlines; TCP does.
	_ = c.SetWriteDeadline(now.Add(st.s.c.WriteTimeout))
	if _, err := st.w.Write(st.b.Bytes()); err != nil {
		return err
	}
	return c.Flush()
}

// rest waits for more. False means that there is nothing to wait for.
func (st *stream) rest(clk clock.Clock, more <-chan struct{}) bool {
	if !st.sleep(clk, pause, nil) { // what comes meanwhile goes with the next
		return false
	}
	select {
	case <-more:
		return true
	default:
	}
	if !st.sleep(clk, keepAlive, more) {
		return false
	}
	select {
	case <-more:
	default:
		st.b.WriteString(": still here\n\n")
	}
	return true
}

// sleep waits for d, or until more is closed; false if the reader or the server ends before.
func (st *stream) sleep(clk clock.Clock, d time.Duration, more <-chan struct{}) bool {
	timer := clk.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-more:
	case <-st.gone:
		return false
	case <-st.s.stopping:
		return st.unsent()
	}
	return true
}

// unsent reports whether there is something left for the reader when the server stops.
func (st *stream) unsent() bool {
	entries, _ := st.s.c.Board.after(st.at)
	return len(entries) > 0
}
