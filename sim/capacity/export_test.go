package capacity

// The bytes of slots, which tests measure.
const (
	TaskBytes    = taskBytes
	SlotBytes    = slotBytes
	MailboxBytes = mailboxBytes
	TrailBytes   = trailBytes
)
