package peers_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/mustafaturan/bus/v3"

	"github.com/notifylab/notifylab/notify"
)

// The bus calls its handlers on the publisher's goroutine; there is no queue. It wants a generator
// of identifiers, which is a counter here. A handler says by a regular expression which topics it
// wants, and that is compiled for each pair of handler and topic, so 10 000 of both would take
// minutes to set up.
func openBus(tb testing.TB, w world) engine {
	var last atomic.Uint64
	next := bus.Next(func() string { return strconv.FormatUint(last.Add(1), 36) })
	b, err := bus.NewBus(next)
	check(tb, err)
	b.RegisterTopics(subject)
	for i, s := range w.subs {
		b.RegisterHandler(strconv.Itoa(i), bus.Handler{
			Matcher: subject,
			Handle:  func(_ context.Context, e bus.Event) { s.take(e.Data.(*notify.Event)) },
		})
	}
	w.onOneGoroutine()
	ctx := context.Background()
	return engine{
		publish: func(ev *notify.Event, topic string) {
			if err := b.Emit(ctx, topic, ev); err != nil {
				tb.Error(err)
			}
		},
		close: func() { b.DeregisterTopics(subject) },
	}
}
