//! Logs, read: what is found in them, what is illegal, and that any bytes can come.

#[path = "log/any_bytes.rs"]
mod any_bytes;
#[path = "log/legal.rs"]
mod legal;
#[path = "log/orders.rs"]
mod orders;
#[path = "log/script.rs"]
mod script;
