package peers_test

import (
	"runtime"
	"testing"

	"github.com/asaskevich/EventBus"

	"github.com/notifylab/notifylab/notify"
)

// EventBus calls its handlers on the publisher's goroutine, by reflection and under its lock. Its
// asynchronous kind starts a goroutine for every delivery.
func openEventBus(tb testing.TB, w world) engine {
	b := EventBus.New()
	for i, s := range w.subs {
		check(tb, b.Subscribe(w.topics[i], s.take))
	}
	w.onOneGoroutine()
	return engine{
		publish: func(ev *notify.Event, topic string) { b.Publish(topic, ev) },
		close:   func() { runtime.KeepAlive(b) }, // it has nothing to end
	}
}
