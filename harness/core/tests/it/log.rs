//! Logs, read: what is found in them, what is illegal, and that any bytes can come.

mod any_bytes;
mod legal;
mod orders;
mod script;
