package peers_test

import (
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/notifylab/notifylab/notify"
)

// The broadcaster has a channel per watcher. Of its two ways to treat a full one this is the one
// that its recorder of events uses: leave the event out. No other workload than mode=stuck fills
// a channel. It has no topics.
func openKubernetes(tb testing.TB, w world) engine {
	b := watch.NewLongQueueBroadcaster(queue, watch.DropIfChannelFull)
	var receivers sync.WaitGroup
	for _, s := range w.subs {
		watcher, err := b.Watch()
		check(tb, err)
		receivers.Go(func() {
			for ev := range watcher.ResultChan() {
				s.take((*notify.Event)(ev.Object.(*object)))
			}
		})
	}
	return engine{
		publish: func(ev *notify.Event, _ string) {
			if err := b.Action(watch.Modified, (*object)(ev)); err != nil {
				tb.Error(err)
			}
		},
		close: func() {
			b.Shutdown()
			receivers.Wait()
		},
	}
}

// object makes an event what the broadcaster takes.
type object notify.Event

func (*object) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

func (o *object) DeepCopyObject() runtime.Object { return o }
