//! The transports of an update.

use crate::macros::named_enum;

named_enum! {
    /// How a package gets into the module.
    pub enum Via {
        /// Downloaded over HTTP (AN §2).
        Http = "http",
        /// Uploaded over the UART (AN §3).
        Uart = "uart",
        /// Downloaded over CoAP, ordered over LwM2M (AN §4).
        Coap = "coap",
    }
}
