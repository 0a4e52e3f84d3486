// Package rest is the HTTP face of a registry: what the clients of Apache ServiceComb
// service-center speak, version 4 of its interface.
//
//	var handler *rest.Handler
//	hub, err := registry.NewHub(reg, engine, registry.HubConfig{
//		Deleted: func(id string) { handler.ServiceDeleted(id) },
//	})
//	handler, err = rest.New(rest.Config{Hub: hub, Engine: engine})
//	err = rest.NewServer("127.0.0.1:30100", handler).ListenAndServe()
//
// # Contract
//
// Tenants: the path names the project and the header X-Domain-Name the domain; without it that is
// "default". What belongs to another tenant doesn't exist. The admin paths are about all tenants,
// so they want project and domain "default".
//
// Requests: a body is one JSON object of at most BodyBytesMax bytes. Fields that are unknown here
// are ignored, for clients send many. Timestamps are the server's, whatever a client says.
//
// Errors: every one is an Error, the object {"errorCode","errorMessage","detail"} with the codes of
// service-center, and the detail names the field and what is accepted. A request that failed has
// changed nothing. The one exception is a change that was made and could not be told, because the
// engine has closed or is configured to reject: that is a 503.
//
// Services: to register a known key again gives its id and changes nothing. A service is deleted
// with its instances when force is 1; without, it must have neither instances nor consumers.
// Ids are random unless the body names one.
//
// Instances: one without a health check is to send a heartbeat every 30 s and may miss three, as in
// service-center. A set of heartbeats of which some are for unknown instances renews the others.
//
// Find: a find that succeeds makes the service of X-ConsumerId a consumer of what it found, before
// it reads the answer; so whatever isn't in the answer comes as an event. What became visible by
// that is also told as UPDATE to the watchers of the service: it may have other instances than the
// one that asked. Where it is a consumer already a find waits for no change, not even for one that
// waits for room in a task queue. An answer with the revision that the client has is a 304.
//
// Watching: a watcher is subscribed before its upgrade is answered, so nothing that happens later
// is lost. A listwatcher has the instances of its providers as INIT first, and again after a
// loss, if Config.Watch has Resync; a watcher has them as UPDATE after a loss, and only then. What
// was deleted meanwhile isn't in that list: a client finds it missing when it finds the next time.
// When its service is deleted a watcher ends, once, with 1008. There is no close frame for a
// service that doesn't exist, but one text frame, "service does not exist", and the end.
//
// Kept here, not in the registry: schemas. They go with their service, if ServiceDeleted is called
// as above. All else is read from the registry, so what came to it by another way, through the hub,
// is shown, dumped and edited like the rest.
//
// The dump is a consistent cut. Its dependency rules are as they were written, such as 0+, whether
// their ends are registered or not: what each consumer needs, and mirrored who needs a provider.
//
// Alarms: they are cleared one by one or all together. One that isn't listed is a 404. When
// subscribers can't be told, because the alarm queue is full or the engine has closed, that is a
// 503: the alarm stays lit, and of several some may be cleared.
//
// Limits: bytes of a request, watchers at once, bytes of schemas, services, instances of a service,
// tags and visibility rules of a service (100 each), dependency rules of a consumer
// (registry.RulesMax), and how much one request may ask for. Beyond them a request is refused with
// CodeNotEnoughQuota, or with CodeInvalid where it asks for too much at once.
//
// # Concurrency
//
// A Handler may be used concurrently. The package starts no goroutine but those of the watchers,
// which Handler.Close ends.
package rest
