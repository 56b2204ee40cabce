//! A simulated BC66.
