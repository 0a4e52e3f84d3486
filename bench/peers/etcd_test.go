package peers_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"

	"github.com/notifylab/notifylab/notify"
)

// The watchable store, with a stream and a goroutine per subscriber, as each client has them. An
// event is a change of the topic's key. A stream's channel has 128 places; a watcher that finds it
// full is served from the store later, so it loses nothing. The disk need not keep anything.
func openEtcd(tb testing.TB, w world) engine {
	dir, err := os.MkdirTemp("", "peers-etcd-")
	check(tb, err)
	c := backend.DefaultBackendConfig(zap.NewNop())
	c.Path, c.UnsafeNoFsync = filepath.Join(dir, "db"), true
	db := backend.New(c)
	store := mvcc.New(zap.NewNop(), db, &lease.FakeLessor{}, mvcc.StoreConfig{})
	var streams []mvcc.WatchStream
	var receivers sync.WaitGroup
	for i, s := range w.subs {
		ws := store.NewWatchStream()
		_, err := ws.Watch(context.Background(), 0, []byte(w.topics[i]), nil, 0)
		check(tb, err)
		streams = append(streams, ws)
		receivers.Go(func() { receiveChanges(ws, s) })
	}
	return engine{
		publish: func(ev *notify.Event, topic string) {
			store.Put([]byte(topic), encode(ev), lease.NoLease)
		},
		close: func() {
			for _, ws := range streams {
				ws.Close()
			}
			receivers.Wait()
			if err := store.Close(); err != nil {
				tb.Error(err)
			}
			if err := db.Close(); err != nil {
				tb.Error(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				tb.Error(err)
			}
		},
	}
}

func receiveChanges(ws mvcc.WatchStream, s *subscriber) {
	for resp := range ws.Chan() {
		for _, change := range resp.Events {
			ev := decode(change.Kv.Value)
			s.take(&ev)
		}
	}
}
