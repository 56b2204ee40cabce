//! Decisions: what a byte means and what to do next.
#![no_std]
