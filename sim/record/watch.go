package record

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/trace"
)

// frame is a message with the time at which it came.
type frame struct {
	at   time.Time
	text []byte
}

// framesBuffered are read ahead of a disk that is slow for a moment.
const framesBuffered = 1 << 10

// flushEvery is how long what was written may stay in gzip's hands.
const flushEvery = time.Second

// watch writes what comes until the connection ends, and says when that was, or ctx ends. The error
// is that of writing. The connection is closed when it returns.
func (r *Recorder) watch(ctx context.Context, conn *websocket.Conn, s *sink) (
	cut time.Time, err error) {
	r.count(func(s *Stats) { s.Connected = true })
	defer r.count(func(s *Stats) { s.Connected = false })
	alive, hangUp := context.WithCancel(context.Background())
	frames := make(chan frame, framesBuffered)
	var both sync.WaitGroup
	both.Go(func() {
		defer close(frames)
		r.read(alive, conn, frames)
		cut = r.c.Clock.Now()
		hangUp()
	})
	both.Go(func() { r.keepAlive(alive, conn) })
	err = r.write(ctx, frames, s)
	if ctx.Err() != nil {
		_ = conn.Close(websocket.StatusNormalClosure, "") // it may be closed already
	}
	hangUp()
	_ = conn.CloseNow()
	for range frames { // what came after the end
	}
	both.Wait()
	return cut, err
}

// read reads until the connection ends or says what no change is: it won't serve.
func (r *Recorder) read(ctx context.Context, conn *websocket.Conn, to chan<- frame) {
	for {
		kind, text, err := conn.Read(ctx)
		if err != nil || kind != websocket.MessageText || len(text) == 0 || text[0] != '{' {
			return
		}
		select {
		case to <- frame{r.c.Clock.Now(), text}:
		case <-ctx.Done():
			return
		}
	}
}

// keepAlive finds out when the other side is gone without a word.
func (r *Recorder) keepAlive(ctx context.Context, conn *websocket.Conn) {
	timer := r.c.Clock.NewTimer(r.c.Heartbeat)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		answer, cancel := context.WithTimeout(ctx, r.c.Timeout)
		err := conn.Ping(answer)
		cancel()
		if err != nil {
			_ = conn.CloseNow() // which ends read
			return
		}
		timer.Reset(r.c.Heartbeat)
	}
}

// write writes what comes until nothing more does, or ctx ends.
func (r *Recorder) write(ctx context.Context, frames <-chan frame, s *sink) error {
	timer := r.c.Clock.NewTimer(flushEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f, ok := <-frames:
			if !ok {
				return nil
			}
			if err := s.take(f); err != nil {
				return err
			}
		case <-timer.C():
			if err := s.out.Flush(); err != nil {
				return err
			}
			timer.Reset(flushEvery)
		}
	}
}

// sink turns frames into lines.
type sink struct {
	r     *Recorder
	to    *trace.Writer
	out   Output
	begin time.Time
}

func (s *sink) take(f frame) error {
	x, err := registry.DecodeFrame(f.text)
	unreadable := err != nil || x.Key.Name == "" || x.Action == registry.Init ||
		x.Instance.ID == "" && x.Action != registry.Expire
	switch {
	case unreadable:
		s.r.count(func(s *Stats) { s.Unreadable++ })
		return nil
	case x.Key.App == AppName && x.Key.Name == ServiceName:
		return nil
	}
	name := x.Key.Name
	if x.Key.App != "" {
		name = x.Key.App + "/" + name
	}
	if only := s.r.c.Services; len(only) > 0 && !slices.Contains(only, name) &&
		!slices.Contains(only, x.Key.Name) {
		s.r.count(func(s *Stats) { s.Others++ })
		return nil
	}
	c := trace.Change{
		At: max(f.at.Sub(s.begin), 0), Action: x.Action, Instance: x.Instance.ID,
		Service: trace.Service{Name: name, Env: x.Key.Env, Version: x.Key.Version},
		Status:  x.Instance.Status, Endpoints: x.Instance.Endpoints,
		Properties: x.Instance.Properties,
	}
	err = s.to.Write(&c)
	s.r.count(func(stats *Stats) {
		switch {
		case err == nil:
			stats.Changes++
			s.r.services[c.Service] = true
		case errors.Is(err, trace.ErrTrace):
			stats.Unreadable++
			err = nil
		}
	})
	return err
}

func (s *sink) gap(from, to time.Time) error {
	s.r.count(func(s *Stats) { s.Gaps, s.Missed = s.Gaps+1, s.Missed+to.Sub(from) })
	return s.to.Gap(to.Sub(s.begin), to.Sub(from))
}
