package peers_test

import (
	"sync"
	"testing"

	"github.com/notifylab/notifylab/notify"
)

// Bare channels, a goroutine behind each: an engine as one writes it in an hour. Other workloads
// than mode=stuck have the floor of that name.
func openChan(_ testing.TB, w world) engine {
	var chans []chan *notify.Event
	var receivers sync.WaitGroup
	for _, s := range w.subs {
		ch := make(chan *notify.Event, queue)
		chans = append(chans, ch)
		receivers.Go(func() { receive(ch, s) })
	}
	return engine{
		publish: func(ev *notify.Event, _ string) {
			for _, ch := range chans {
				ch <- ev
			}
		},
		close: func() {
			for _, ch := range chans {
				close(ch)
			}
			receivers.Wait()
		},
	}
}

func receive(ch <-chan *notify.Event, s *subscriber) {
	for ev := range ch {
		s.take(ev)
	}
}
