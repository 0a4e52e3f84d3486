package sim

// purposes say what each built-in workload is for.
var purposes = map[string]string{
	"small":       "trying things out; tests",
	"medium":      "sizing queues",
	"large":       "how one node holds up when there is much of everything",
	"planet":      "the limits: memory, and time to build",
	"consul-10k":  "how long one change takes to reach every node; published target: 1 s",
	"k8s-5k":      "what it costs when everybody wants everything",
	"hot-subject": "whether fan-out of a single subject is the bottleneck",
}

// Purpose says in a line what a built-in workload is for; "" of any other.
func (w Workload) Purpose() string { return purposes[w.Name] }
