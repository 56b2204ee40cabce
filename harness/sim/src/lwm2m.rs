//! The module's LwM2M 1.0 client (AN §4, §6.3; TS10 is OMA's LwM2M 1.0.2).
//!
//! [`client`] speaks with the server, [`objects`] is what the server sees, [`firmware`] the object that an update over CoAP
//! goes through, [`tlv`] the format of several values together, [`config`] what `AT+QLWCONFIG` sets, [`link`] the socket.
//! The client is a machine without I/O: the application carries its datagrams and does what its events say.

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
