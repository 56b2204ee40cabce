//! The module's LwM2M 1.0 client (AN §4, §6.3; TS10 is OMA's LwM2M 1.0.2).
//!
//! [`client`] speaks with the server, [`objects`] is what the server sees, [`firmware`] the object that an update over CoAP
//! goes through, [`tlv`] the format of several values together, [`config`] what `AT+QLWCONFIG` sets, [`link`] the socket.
//! The client is a machine without I/O: the application carries its datagrams and does what its events say.

pub mod client;
pub mod config;
pub mod firmware;
pub mod link;
pub mod objects;
pub mod path;
pub mod tlv;

pub use client::{Client, ClientEvent, Status};
pub use config::ServerConfig;
pub use firmware::{ServerAction, Firmware};
pub use link::{ServerLink, LinkEvent};
pub use objects::Objects;
