//! The simulated module from outside: one binary, so that it is linked once.

mod cut_everywhere;
mod process;
