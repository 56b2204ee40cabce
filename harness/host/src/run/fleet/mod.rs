//! A run on several rigs: one process for each rig, a queue of batches in their parent.
//!
//! The parent has the queue and its own journal; a worker is this program with one rig, which runs the batches that it is
//! given and writes a journal for each. What a rig does between two batches is the same wherever the queue lies.

pub mod claims;
pub mod keeper;
pub mod memory_queue;
pub mod part;
pub mod rig_loop;
pub mod rig_worker;
pub mod seats;
pub mod wire;
pub mod work_queue;
mod worker_pipe;
pub mod worker_process;
