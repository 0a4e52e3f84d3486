package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/watch"
)

// A watcher that is evicted for being slow lights an alarm. A program would use Run of the engine
// and of the monitor; here both are stepped.
func Example() {
	types := map[notify.Type]notify.TypeConfig{
		"INSTANCE":   {Backlog: notify.Backlog{Size: 1, Overflow: notify.Evict}},
		alarm.Events: alarm.TypeConfig(),
	}
	monitor, err := alarm.NewMonitor(alarm.Config{
		Types:      types,
		ListFailed: func(reason error) bool { return errors.Is(reason, watch.ErrList) },
	})
	check(err)
	engine, err := notify.New(notify.Config{
		Types: types, Observer: monitor, Blocked: monitor.Blocked,
	})
	check(err)
	board, err := alarm.Open(engine)
	check(err)

	now := time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)
	run := func() {
		for {
			w, err := engine.Step(now)
			check(err)
			if w.Idle {
				break
			}
		}
	}
	_, err = engine.Subscribe("INSTANCE", "/instances/", "shop", refuse, nil)
	check(err)
	for range 2 {
		ev := &notify.Event{Type: "INSTANCE", Subject: "/instances/"}
		check(engine.Publish(context.Background(), ev, "shop"))
	}
	run()
	_, err = monitor.Check(engine, now)
	check(err)
	run()
	for _, a := range board.List() {
		fmt.Println(a.ID, a.Status, a.Fields)
	}
	// Output: Evicted ACTIVATED [count=1 detail=notify: subscriber is too slow]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
