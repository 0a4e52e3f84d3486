package peers_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/acl"
	"github.com/hashicorp/consul/agent/consul/stream"
	"github.com/hashicorp/consul/proto/private/pbsubscribe"

	"github.com/notifylab/notifylab/notify"
)

// The publisher appends to one linked list per topic and subject, along which a goroutine per
// subscriber goes; nothing bounds how far behind one may be. A subscription begins with a snapshot,
// which has no events here and is kept while they subscribe.
func openConsul(tb testing.TB, w world) engine {
	topic := stream.StringTopic(subject)
	p := stream.NewEventPublisher(time.Minute)
	snapshot := func(stream.SubscribeRequest, stream.SnapshotAppender) (uint64, error) {
		return 1, nil
	}
	check(tb, p.RegisterHandler(topic, snapshot, false))
	ctx, cancel := context.WithCancel(context.Background())
	var goroutines sync.WaitGroup
	goroutines.Go(func() { p.Run(ctx) })
	var began sync.WaitGroup
	for i, s := range w.subs {
		sub, err := p.Subscribe(&stream.SubscribeRequest{
			Topic: topic, Subject: stream.StringSubject(w.topics[i]),
		})
		check(tb, err)
		began.Add(1)
		goroutines.Go(func() { follow(ctx, sub, s, began.Done) })
	}
	began.Wait()
	index := uint64(1)
	return engine{
		publish: func(ev *notify.Event, group string) {
			index++
			p.Publish([]stream.Event{
				{Topic: topic, Index: index, Payload: payload{ev, stream.StringSubject(group)}},
			})
		},
		close: func() {
			cancel()
			goroutines.Wait()
		},
	}
}

// follow takes events until ctx ends; what the snapshot ends with is the first.
func follow(ctx context.Context, sub *stream.Subscription, s *subscriber, began func()) {
	defer sub.Unsubscribe()
	for {
		ev, err := sub.Next(ctx)
		switch {
		case err != nil:
			return
		case ev.IsEndOfSnapshot():
			began()
			continue
		}
		s.take(ev.Payload.(payload).ev)
	}
}

// payload makes an event what the publisher takes.
type payload struct {
	ev      *notify.Event
	subject stream.StringSubject
}

func (payload) HasReadPermission(acl.Authorizer) bool { return true }

func (p payload) Subject() stream.Subject { return p.subject }

func (payload) ToSubscriptionEvent(uint64) *pbsubscribe.Event { return nil }
