//! A lab of many machines: batches go to agents through NATS JetStream, and their journals come back.
//!
//! `run --lab` has the queue of a run on several rigs, with every rule about canaries, bricks and shares in one place. Its workers
//! are agents: one on each rig, which takes a batch from the stream `JOBS`, runs it as the worker of its own machine, and sends the
//! journal line by line to the stream `RECORDS`. Nothing but work is leased: lease, guard and cut stay on the machine of the rig.
//!
//! | where | what | lives |
//! |---|---|---|
//! | stream `JOBS`, `jobs.PRIO.RIG.RUN.BATCH` | which batch a rig is to run | until it is acknowledged |
//! | stream `RECORDS`, `records.RUN.RIG` | journals, in order; `records.RUN.=run` is that of the run itself | 14 days |
//! | key-value `rigs`, a key a rig | its file, program and state | as long as its agent says so |
//! | key-value `runs`, a key a run | priority, owner, state | 14 days |
//! | key-value `waits`, a key a run | rigs that the run waits for: a less urgent one leaves them to it | as long as its owner says so |
//! | key-value `drained`, a key a rig | rigs that get no batch | until `--undo` |
//! | object store `files` | suites and packages by SHA-256, and batches | 14 days |
//! | `beats.RUN.RIG` | the agent gets on with its batch | not kept |
//! | `orders.RUN.RIG` | what the run wants of the agent; as well a sign of life of the run | not kept |
//!
//! No message has a version: an agent runs batches only for a program that was built from the same [`SOURCES`]. The run compares them
//! before it queues anything, and the agent before it begins a batch.

/// SHA-256 of the sources that this program was built from, in hex: the same on processors of every kind.
pub const SOURCES: &str = env!("DFOTA_HIL_SOURCES");

pub mod agent;
pub mod board;
pub mod collected;
pub mod files;
pub mod followed_records;
pub mod job_queue;
pub mod journal_mirror;
pub mod lab_run;
pub mod labgrid;
pub mod layout;
pub mod part_writer;
pub mod remote_worker;
pub mod rig_watch;
pub mod run_records;
pub mod run_watch;
pub mod server;
pub mod subjects;
pub mod users;
