// Package optionalapi follows which kinds of other projects (CloudNativePG, Gateway API) the API server serves at the moment.
// They come and go with their CustomResourceDefinitions, and the operator neither needs them nor is restarted for them.
//
// In: the kinds that may be served, and the manager's cache. Out: Served, and a source of events for one controller: every
// object of a kind that is served, and all tenants whenever a kind comes or goes. While a kind is served the cache holds its
// objects; before its definition goes, its informer is stopped, so that no reflector asks for what is not there.
//
// It reads the metadata of definitions only, which are large, and learns from discovery whether the version is served. It
// writes nothing.
package optionalapi
