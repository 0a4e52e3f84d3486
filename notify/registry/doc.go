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
// Every mutation that succeeds counts one revision, and one that fails changes nothing. Where one
// call makes several changes, each has a revision of its own. Adding rules that are all there
// already is no mutation. Deleting a service also deletes its
// instances, one change each, and the rules it holds as a consumer; rules of others that name it
// stay, and match again when it returns.
//
// # Who hears of a change
//
// A consumer's rules are set as a whole with [Registry.SetDependencies], or added with
// [Registry.AddDependencies], and name providers: the
// environment, application and name must be equal, and the version must match the [Rule]. The name
// "*" stands for every service of the consumer's tenant and of the rule's environment, whatever
// its application and version. A rule never reaches another tenant, for events don't either. Rules
// may come before the services they speak of, and take effect when both ends exist.
//
// A consumer has each rule once, and at most [RulesMax]. [Registry.Dependencies],
// [Registry.Visibility] and [Registry.Tags] give back what was set, as it was written: who shows or
// saves a registry needs no copies of its own, and finds what came by any way.
//
// [Registry.Consumers] and [Registry.Providers] resolve the rules in both directions. A service
// that is matched by two rules appears once; a service that matches a rule of its own is its own
// consumer. Results are sorted and cached: the very same slice comes back until services or rules
// change, and even then unless the answer did. Callers share these slices and must not modify them.
//
// A provider may choose its consumers: of those whose rules match, [Registry.SetVisibility] lets in
// only the ones that match a white rule, or none that matches a black one. Its rules look at what
// identifies a consumer and at its tags, see [Registry.SetTags]. Who isn't let in is no consumer:
// it doesn't hear, list or find. What is the latest version doesn't depend on who may see it. When
// such rules or tags change, those concerned get an EXPIRE.
//
// # Changes
//
// [Registry.Register], [Registry.Update] and [Registry.Deregister] return a [Change]. It is
// immutable, as are the Service and Instance records it points to: a later change of the same
// instance makes a new record. A change costs the same however large the world is, except that
// the first one after services or rules changed resolves its consumers anew, and that the first
// one after a service's instances were handed out copies that list of pointers.
//
// [Registry.SetStatus] and [Registry.SetProperties] change one thing of a known instance, and are
// an UPDATE each.
//
// # What becomes visible
//
// Who lists once ([Registry.View]) and then applies every change that names it always knows exactly
// the instances that its view would give. So not only instances make changes, but all that decides
// who sees them, addressed to those for whom it made a difference:
//
//   - Rules that are set or added: an UPDATE of each instance of a provider that the consumer sees
//     now and didn't before; an EXPIRE of each provider that it saw and doesn't any more.
//   - A service that is put, as the highest version: an EXPIRE of the one that was the highest
//     before, to those who saw it as the latest. It has no instances yet, so there is nothing else
//     to see.
//   - A service that is deleted and was the highest version: an UPDATE of each instance of the
//     next one, to those who see it now as the latest.
//   - Visibility rules and tags: an EXPIRE, as above, of all that came, went, or stayed.
//
// An EXPIRE says: forget what you know of this provider, and query again. An UPDATE of an instance
// that is not known adds it; it is no CREATE, on which clients duplicate what they know already.
// What is replayed didn't change: only the registry counts a revision, not the provider.
//
// A service that comes when its rules are there already is told nothing: nobody can watch as it
// before it exists, and who watches begins with a list. One that is deleted hears no more than the
// DELETEs of its own instances, should it consume itself; [HubConfig].Deleted is told, to send its
// watchers away.
//
// # The wire
//
// A [Frame] is a change, or an instance of a list, as watchers read it: JSON with the fields and
// the omissions of the servers that clients know. [Change.Encoded] encodes a change once for all
// its consumers, and only if somebody asks.
//
// # Finding
//
// [Registry.Find] gives the instances of the versions of a service that a rule takes, sorted, and
// a revision by which a client can tell whether the answer is the one it has: it follows from the
// question and the content alone. The first Find of a service sorts and digests its instances, and
// the first one after changes digests those that changed and copies the rest, outside the lock; all
// others cost the same however many there are. So a service that somebody finds takes some 30 bytes
// more per instance, and the records that changed since, but of no more than it has instances.
//
// A [Hub] answers from a cache, see below.
//
// # Leases
//
// After [Registry.KeepLeases] an instance whose health check is in mode "push" lives for its
// interval × (times + 1) after its last sign of life: a registration, an update, or a
// [Registry.Heartbeat]. What has run out is removed by [Registry.Expire], one DELETE each, ordered
// by the time they ran out, then by service and instance id. Expire says when to be called again.
// A registration tells no time, so its lease starts at the instance's first heartbeat or at the
// next Expire, whichever is first: call Expire after registering, too.
//
// When many leases of a service run out together, it is more often the network than the instances.
// So they are held when, of at least [LeaseConfig].Min leased instances, Share or more would be
// gone within a Window: those that have run out now, and those that Expire removed less than a
// Window ago, which count as leased here too. They stay as they are until heartbeats have made the
// share small enough, or the losses before them are a Window ago; and each of them no longer than
// its lease was, or Hold: then it is removed, and counts no more against the next.
// [Registry.Leases] counts.
//
// # The hub
//
// A [Hub] ties a registry to an engine: what [Hub.Change] and [Hub.Expire] change, they publish,
// as events of type [InstanceEvents] to the consumers of each change, once each. Changes have
// their turn one after the other until they stand in the engine's task queues, so events have the
// order of their revisions. A change that nobody must hear of makes no event. One that happened is
// told, however long the engine has no room: only when the engine closes, or is configured to
// reject, nobody hears, and that is returned and counted.
//
// [Hub.Find] gives what [Registry.Find] would at that moment: once a change has happened, and so
// before its event is published and before Change returns, no answer from before it is given. The
// registry counts for each family of versions what a Find could notice, and a cached answer holds
// as long as that count. So the change of a service ends the answers about its family, and no
// others; those who ask for the same share one answer, unless a provider chooses its consumers.
// There are at most FindMax answers, of which the one stored first goes first, and after FindTTL
// each is computed anew. That a service is unknown isn't kept, for it costs as little to find out.
//
// Of the options of a [Query], NoCache wins over CacheOnly. An equal Revision only says that the
// client has the answer already. The registry is all in memory, so CacheOnly saves its servers
// little: where there is nothing in the cache, it is as if the service were unknown.
//
// # Concurrency and time
//
// All methods of a Registry may be called concurrently, and each is atomic. [Registry.View] gives
// a consistent cut: what a consumer sees, and the revision at which it saw it; all later changes
// have a higher one. A registry reads no clock: timestamps are arguments. A hub has a clock of its
// own, for the time of cached answers, and of changes that don't say when they were due. Nothing
// starts a goroutine: [Hub.Run], which expires leases, runs on its caller's.
package registry
