//! LwM2M 1.0 as a server sees it: who is registered, what their resources say, and a firmware update from the order to
//! the result. Machines without I/O over [`coap`](crate::coap).

mod firmware_update;
mod link;
mod registration;
pub mod registration_interface;
mod registry;
mod tlv;
pub mod value;

pub use firmware_update::{ClientEvent, FirmwareUpdate, Operation, UpdateEnding, UpdateOptions};
pub use registration::Lwm2mRegistration;
pub use registry::{GoneWhy, RegistrationChange, Registry};
