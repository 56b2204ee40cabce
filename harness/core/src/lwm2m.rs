//! LwM2M 1.0 as a server sees it: who is registered, what their resources say, and a firmware update from the order to
//! the result. Machines without I/O over [`coap`](crate::coap).

pub mod firmware_update;
pub mod link;
pub mod registration;
pub mod registration_interface;
pub mod registry;
pub mod tlv;
pub mod value;
