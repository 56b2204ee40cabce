//! The HTTP package server from outside: what it serves, what it refuses, and what it reports, byte for byte.

#[path = "package_server/bench.rs"]
mod bench;
#[path = "package_server/faults.rs"]
mod faults;
#[path = "package_server/hostile.rs"]
mod hostile;
#[path = "package_server/offers.rs"]
mod offers;
#[path = "package_server/ranges.rs"]
mod ranges;
#[path = "package_server/spelling.rs"]
mod spelling;
