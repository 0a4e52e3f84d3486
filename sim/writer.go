package sim

// writer sends for sessions: a server with a queue in front of it. In real time it costs what it
// costs.
type writer struct {
	queue []*session
	free  int64 // it has done what it is at
	alarm int64 // a timer is set for that
}

func (w *writer) add(s *session) {
	if !s.queued && !s.over {
		s.queued = true
		w.queue = append(w.queue, s)
	}
}

// work serves one session after the other, as long as that takes no time.
func (w *writer) work(ln *lane) {
	for len(w.queue) > 0 {
		now, s := ln.stage.now(), w.queue[0]
		if w.free > now {
			if w.alarm < w.free {
				w.alarm = w.free
				ln.mu.Lock()
				ln.set(timer{at: w.free, c: s.l.c, link: s.l, kind: timerServe})
				ln.mu.Unlock()
			}
			return
		}
		w.queue[0], w.queue = nil, w.queue[1:]
		s.queued = false
		if s.over {
			continue
		}
		took, more := s.serve(now)
		w.free = now + int64(took)
		if more {
			w.add(s)
		}
	}
}
