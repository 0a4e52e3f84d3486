package queueing_test

import (
	"fmt"

	"github.com/notifylab/notifylab/sim/queueing"
)

// A mailbox of 20 in front of a consumer that handles an event in 1 ms on average, at 900 events
// a second: what does it lose, how long do events wait, and what would flushing lose instead?
func Example() {
	const mailbox = 20
	q := queueing.MM1K{Lambda: 900, Mu: 1000, K: mailbox + 1}
	loss, err := q.Loss()
	if err != nil {
		fmt.Println(err)
		return
	}
	p99, _ := q.WaitQuantile(0.99) // q is in range, as Loss has found
	flushed, _ := queueing.FlushM1{Lambda: 900, Mu: 1000, Q: mailbox}.Loss()
	fmt.Printf("lost %.2f %%, p99 of the wait %.1f ms, lost by flush %.2f %%\n",
		100*loss, 1000*p99, 100*flushed)

	_, err = queueing.MM1K{Lambda: 900, Mu: 0, K: 21}.Loss()
	fmt.Println(err)
	// Output:
	// lost 1.21 %, p99 of the wait 23.6 ms, lost by flush 3.21 %
	// queueing: out of range: Mu = 0: want a positive number from 1e-50 to 1e50
}
