//! The HTTP package server from outside: what it serves, what it refuses, and what it reports, byte for byte.

mod bench;
mod faults;
mod hostile;
mod offers;
mod ranges;
mod spelling;
