// Package alarm says what is wrong with an engine and its surroundings, through the engine itself:
// alarms are raised and cleared as events of a type of their own, and a board holds the last state
// of each.
//
//	types := map[notify.Type]notify.TypeConfig{
//		"INSTANCE":   {},
//		alarm.Events: alarm.TypeConfig(),
//	}
//	monitor, err := alarm.NewMonitor(alarm.Config{Types: types})
//	engine, err := notify.New(notify.Config{
//		Types: types, Observer: monitor, Blocked: monitor.Blocked,
//	})
//	board, err := alarm.Open(engine)
//	go engine.Run(ctx)
//	go monitor.Run(ctx, engine)
//	lit := board.List()
//
// # Contract
//
// Events: an alarm is raised or cleared by an event of type Events about Subject, with a *Report as
// its payload and the alarm's id as its key. Type, subject and statuses are service-center's.
// Subscribe to them like to any others.
//
// Blocking: Raise and Clear never wait. When the task queue of the alarms is full they return
// notify.ErrFull, however the type is configured. That queue is not the one that an alarm is about,
// so an alarm about a full queue gets through.
//
// Board: it holds the last state of each id, and keeps those that were cleared. Who clears an alarm
// on the board tells all other subscribers too, and finds it cleared on return. When they can't be
// told, the board stays as it was and the caller gets the error.
//
// Bounds: the ids of this package always have a place on the board, and OthersMax ids of others.
// Beyond those a new id takes the place of the oldest cleared one, or is refused and counted. A
// Report has at most FieldsMax fields, and what is too long in a field is cut.
//
// Monitor: it raises the alarms that an engine gives cause for:
//
//   - QueueHigh: a task queue was filled up to Config.High, or refused an event
//   - Evicted: watchers ended with notify.ErrSlow
//   - ListFailed: watchers ended with a reason that Config.ListFailed knows
//   - SubscriberBlocked: a Deliver stands, or stood since the last check
//   - SubscriberPanicked: watchers ended with a *notify.PanicError
//   - EventsLost: living subscribers have a gap, for their backlog was full
//
// On the shards it only counts; what it counted is looked at by Check. However much happens between
// two checks, an alarm is raised once, with a count. It is cleared after Config.ClearAfter checks
// in a row that found nothing, for a queue: filled less than Config.Low.
//
// Lost alarms: one that the full alarm queue does not take is counted, and tried again at every
// check until it gets through. While an alarm is lit it is raised again every Config.Repeat, so
// that a board that was opened later, or cleared by hand, shows what still holds.
//
// Shutdown: nothing here has a goroutine but Run, which is its caller's.
package alarm
