//! The module's LwM2M 1.0 client (AN §4, §6.3; TS10 is OMA's LwM2M 1.0.2).
//!
//! [`client`] talks to the server, [`objects`] is what the server sees, [`firmware`] the object of an update over CoAP, [`tlv`] the format of several values together, [`config`] what `AT+QLWCONFIG` sets, [`link`] the socket.
//! The client does no I/O: the application sends its datagrams and executes its events.

mod client;
mod config;
mod firmware;
mod link;
mod objects;
mod path;
mod tlv;

pub(crate) use client::{Client, Lwm2mEvent, Status, UpdatedParameter};
pub(crate) use config::ServerConfig;
pub(crate) use firmware::{Firmware, ServerAction};
pub(crate) use link::{LinkEvent, open_link};
pub(crate) use objects::{BINDING, BINDING_QUEUE, Objects};
