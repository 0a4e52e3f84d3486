package peers_test

import (
	"sync"
	"testing"

	"github.com/cskr/pubsub"

	"github.com/notifylab/notifylab/notify"
)

// One goroutine sends to a channel per subscriber, and waits where one is full.
func openPubsub(_ testing.TB, w world) engine {
	ps := pubsub.New(queue)
	var receivers sync.WaitGroup
	for i, s := range w.subs {
		ch := ps.Sub(w.topics[i])
		receivers.Go(func() {
			for msg := range ch {
				s.take(msg.(*notify.Event))
			}
		})
	}
	return engine{
		publish: func(ev *notify.Event, topic string) { ps.Pub(ev, topic) },
		close: func() {
			ps.Shutdown()
			receivers.Wait()
		},
	}
}
