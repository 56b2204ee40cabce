//! The CoAP server from outside: what it serves, what it refuses, what it reports, and how strangers get on with it.

mod bench;
mod files;
mod hostile;
mod interop;
mod lwm2m;
