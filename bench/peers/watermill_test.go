package peers_test

import (
	"context"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/notifylab/notifylab/notify"
)

// The channels of watermill start a goroutine for every delivery, so what isn't waited for may come
// in any order; hence Publish waits here until every subscriber has acknowledged the message.
func openWatermill(tb testing.TB, w world) engine {
	ps := gochannel.NewGoChannel(gochannel.Config{
		OutputChannelBuffer: queue, BlockPublishUntilSubscriberAck: true,
	}, watermill.NopLogger{})
	var receivers sync.WaitGroup
	for i, s := range w.subs {
		messages, err := ps.Subscribe(context.Background(), w.topics[i])
		check(tb, err)
		receivers.Go(func() { acknowledge(messages, s) })
	}
	return engine{
		publish: func(ev *notify.Event, topic string) {
			msg := message.NewMessage(watermill.NewUUID(), encode(ev))
			if err := ps.Publish(topic, msg); err != nil {
				tb.Error(err)
			}
		},
		close: func() {
			if err := ps.Close(); err != nil {
				tb.Error(err)
			}
			receivers.Wait()
		},
	}
}

func acknowledge(messages <-chan *message.Message, s *subscriber) {
	for msg := range messages {
		ev := decode(msg.Payload)
		s.take(&ev)
		msg.Ack()
	}
}
