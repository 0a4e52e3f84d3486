// Package registry is the model of a service registry: services, their instances, the rules that
// say who depends on whom, and a revision that counts every change. It is the source of truth
// behind the notifications: it turns a change of an instance into the list of those who must hear
// of it.
//
// # Truth
//
// A [Registry] holds services by id. A service's [Key] (tenant, environment, application, name and
// version) is unique, and fixed as long as the service exists; everything else about it may be put
// anew. Instances belong to a service and are identified within it; ids that are unique beyond it
// make better conflation keys, for they become [notify.Event.Key].
//
// Every mutation that succeeds counts one revision, and one that fails changes nothing. Deleting a
// service also deletes its instances, one change and one revision each, and the rules it holds as
// a consumer; rules of others that name it stay, and match again when it returns.
//
// # Who hears of a change
//
// A consumer's rules are set as a whole with [Registry.SetDependencies] and name providers: the
// environment, application and name must be equal, and the version must match the [Rule]. The name
// "*" stands for every service of the consumer's tenant and of the rule's environment, whatever
// its application and version. A rule never reaches another tenant, for events don't either. Rules
// may come before the services they speak of, and take effect when both ends exist.
//
// [Registry.Consumers] and [Registry.Providers] resolve the rules in both directions. A service
// that is matched by two rules appears once; a service that matches a rule of its own is its own
// consumer. Results are sorted and cached: the very same slice comes back until services or rules
// change, and even then unless the answer did. Callers share these slices and must not modify them.
//
// # Changes
//
// [Registry.Register], [Registry.Update] and [Registry.Deregister] return a [Change]. It is
// immutable, as are the Service and Instance records it points to: a later change of the same
// instance makes a new record. A change costs the same however large the world is, except that
// the first one after services or rules changed resolves its consumers anew, and that the first
// one after a service's instances were handed out copies that list of pointers.
//
// # Concurrency and time
//
// All methods of a Registry may be called concurrently, and each is atomic. [Registry.View] gives
// a consistent cut: what a consumer sees, and the revision at which it saw it; all later changes
// have a higher one. The package starts no goroutine and reads no clock: timestamps are arguments.
package registry
