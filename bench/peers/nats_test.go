package peers_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/notifylab/notifylab/notify"
)

// The server runs in this process. The publisher has one connection and all subscribers another,
// each with a handler of its own, which the client calls on a goroutine of its own. A burst for
// 10 000 is more than what the server lets wait for a connection by default, so that is raised.
func openNATS(tb testing.TB, w world) engine {
	srv, err := server.NewServer(&server.Options{
		ServerName: "peer", DontListen: true, NoLog: true, NoSigs: true, MaxPending: 1 << 30,
	})
	check(tb, err)
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		tb.Fatal("the server doesn't start")
	}
	publisher, subscribers := connect(tb, srv), connect(tb, srv)
	var handlers sync.WaitGroup
	for i, s := range w.subs {
		sub, err := subscribers.Subscribe(w.topics[i], func(msg *nats.Msg) {
			ev := decode(msg.Data)
			s.take(&ev)
		})
		check(tb, err)
		check(tb, sub.SetPendingLimits(queue, -1))
		handlers.Add(1)
		sub.SetClosedHandler(func(string) { handlers.Done() })
	}
	check(tb, subscribers.Flush())
	return engine{
		publish: func(ev *notify.Event, topic string) {
			if err := publisher.Publish(topic, encode(ev)); err != nil {
				tb.Error(err)
			}
		},
		close: func() {
			publisher.Close()
			subscribers.Close()
			handlers.Wait()
			srv.Shutdown()
			srv.WaitForShutdown()
		},
	}
}

func connect(tb testing.TB, srv *server.Server) *nats.Conn {
	// The handler hears of what a slow subscriber loses, which is counted.
	ignore := func(*nats.Conn, *nats.Subscription, error) {}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.ErrorHandler(ignore))
	check(tb, err)
	return nc
}
