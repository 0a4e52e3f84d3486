package alarm

import (
	"errors"
	"fmt"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Where alarms are published: type and subject are those of service-center's alarm package.
const (
	Events  notify.Type = "ALARM"
	Subject string      = "__ALARM_SUBJECT__"
)

// ID names what is wrong.
type ID string

// The ids of this package. The first two are service-center's, and the embedder's to raise and to
// clear; the others are the Monitor's. An id is for one owner: a clear doesn't ask who raised it.
const (
	BackendConnectionRefuse ID = "BackendConnectionRefuse" // the registry has lost its storage
	InternalError           ID = "InternalError"           // the embedder's own code failed
	QueueHigh               ID = "QueueHigh"               // a task queue is nearly full
	Evicted                 ID = "Evicted"                 // watchers ended because they were slow
	ListFailed              ID = "ListFailed"              // watchers ended without a list
	SubscriberBlocked       ID = "SubscriberBlocked"       // a Deliver doesn't return in time
	SubscriberPanicked      ID = "SubscriberPanicked"      // subscribers ended for they panicked
	EventsLost              ID = "EventsLost"              // living subscribers have a gap
)

// own are the ids that always have a place on the board.
var own = map[ID]bool{
	BackendConnectionRefuse: true, InternalError: true, QueueHigh: true, Evicted: true,
	ListFailed: true, SubscriberBlocked: true, SubscriberPanicked: true, EventsLost: true,
}

// Status says whether an alarm is lit. The words are service-center's.
type Status string

// The two statuses.
const (
	Raised  Status = "ACTIVATED"
	Cleared Status = "CLEARED"
)

// The errors beside those of notify.Engine.Publish.
var (
	// ErrInvalid: an argument is missing or out of range; the message names it.
	ErrInvalid = errors.New("alarm: invalid argument")
	// ErrUnknown: the board has never heard of an alarm of this id.
	ErrUnknown = errors.New("alarm: unknown alarm")
)

// Report is the payload of one event: what was raised or cleared. Subscribers share it, so it must
// not change.
type Report struct {
	ID        ID        `json:"id"`
	Status    Status    `json:"status"`
	Fields    Fields    `json:"fields,omitempty"`
	Timestamp time.Time `json:"timestamp"` // of this raise or clear
}

// Alarm is what the reports about one id add up to. Of a cleared one, all but the Report is about
// the time when it was lit last.
type Alarm struct {
	Report
	FirstRaised time.Time `json:"firstRaised"` // since the last clear
	LastRaised  time.Time `json:"lastRaised"`
	Count       uint64    `json:"count"` // raises since the last clear
}

// The bounds of a Report.
const (
	IDMax     = 64 // bytes
	FieldsMax = 16
)

func (r *Report) validate() error {
	switch {
	case r.ID == "" || len(r.ID) > IDMax:
		return fmt.Errorf("%w: id %.80q: want 1 to %d bytes", ErrInvalid, r.ID, IDMax)
	case r.Status != Raised && r.Status != Cleared:
		return fmt.Errorf("%w: status %.80q: want %s or %s", ErrInvalid, r.Status, Raised, Cleared)
	case len(r.Fields) > FieldsMax:
		return fmt.Errorf("%w: %d fields: want at most %d", ErrInvalid, len(r.Fields), FieldsMax)
	}
	return r.Fields.validate()
}
