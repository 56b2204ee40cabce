//! The CoAP server from outside: what it serves, what it refuses, what it reports, and how strangers get on with it.

#[path = "coap_server/bench.rs"]
mod bench;
#[path = "coap_server/files.rs"]
mod files;
#[path = "coap_server/hostile.rs"]
mod hostile;
#[path = "coap_server/interop.rs"]
mod interop;
#[path = "coap_server/lwm2m.rs"]
mod lwm2m;
