//! The program from outside: one binary, so that it is linked once. What runs on a Raspberry Pi itself is `tests/lines.rs`.

mod a_minute_each;
mod adapter;
mod cli;
mod defects;
mod dialogue;
mod evidence;
mod guard;
mod house;
mod junit;
mod lab;
mod pi;
mod process;
mod report;
mod serial;
mod serve;
mod sim;
mod turn;
mod yaml;
