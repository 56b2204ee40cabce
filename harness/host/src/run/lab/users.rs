//! Users of a lab's server: the subjects that each needs, and no other.

use super::server::{PRIORITIES, READS, RUNS};
use super::subjects::token;

/// Who a user of the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabUser {
    /// The agent of the rig with this name.
    Agent(String),
    /// Programs that start runs, or steer the lab.
    Runs,
    /// Programs that look at the lab, and change nothing.
    Reads,
}

/// Streams, and those behind buckets and the object store.
const STREAMS: [&str; 7] = [
    "JOBS",
    "RECORDS",
    "KV_rigs",
    "KV_runs",
    "KV_drained",
    "KV_waits",
    "OBJ_files",
];
/// What an agent reads of them, beside its batches.
const READ_BY_AGENTS: [&str; 3] = ["KV_rigs", "KV_drained", "OBJ_files"];
/// What whoever looks at the lab reads.
const READ_BY_READERS: [&str; 4] = ["RECORDS", "KV_rigs", "KV_runs", "KV_drained"];

impl LabUser {
    /// What the server's file says of this user under `users` (NATS documentation, "Authorization"): an nkey, and subjects.
    pub fn entry(&self, public_key: &str) -> String {
        let list = |subjects: Vec<String>| {
            let subjects = subjects.iter().map(|subject| format!("        \"{subject}\"\n"));
            subjects.collect::<String>()
        };
        format!(
            "{{\n  nkey: {public_key}\n  permissions: {{\n    publish: {{ allow: [\n{}    ] }}\n    subscribe: {{ allow: [\n{}    ] }}\n  }}\n}}\n",
            list(self.publishes()),
            list(self.hears())
        )
    }

    fn publishes(&self) -> Vec<String> {
        match self {
            Self::Agent(rig) => published_by_agent(rig),
            Self::Runs => {
                let all = [
                    "jobs.>",
                    "records.*.=run",
                    "orders.>",
                    "$KV.>",
                    "$O.files.>",
                    "$JS.API.>",
                    "$JS.FC.>",
                ];
                all.map(str::to_owned).into()
            }
            Self::Reads => {
                let mut subjects = looks();
                subjects.extend(reads(&READ_BY_READERS));
                subjects.push("$JS.API.CONSUMER.MSG.NEXT.RECORDS.>".to_owned());
                subjects
            }
        }
    }

    fn hears(&self) -> Vec<String> {
        let inbox = |who: &str| format!("_INBOX.{who}.>");
        match self {
            Self::Agent(rig) => vec![inbox(&token(rig)), format!("orders.*.{}", token(rig))],
            // It may look as well.
            Self::Runs => {
                let mut subjects = vec![inbox(RUNS), inbox(READS)];
                subjects.extend(["beats.>", "orders.>"].map(str::to_owned));
                subjects
            }
            Self::Reads => vec![inbox(READS)],
        }
    }
}

/// Finds what is there.
fn looks() -> Vec<String> {
    let mut subjects = vec!["$JS.API.INFO".to_owned(), "$JS.FC.>".to_owned()];
    subjects.extend(STREAMS.map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
    subjects
}

/// Reads streams, each with consumers of its own.
fn reads(streams: &[&str]) -> Vec<String> {
    let of_one = |stream: &&str| {
        [
            format!("$JS.API.DIRECT.GET.{stream}.>"),
            format!("$JS.API.STREAM.MSG.GET.{stream}"),
            format!("$JS.API.CONSUMER.CREATE.{stream}"),
            format!("$JS.API.CONSUMER.CREATE.{stream}.>"),
            format!("$JS.API.CONSUMER.DELETE.{stream}.>"),
        ]
    };
    streams.iter().flat_map(of_one).collect()
}

fn published_by_agent(rig: &str) -> Vec<String> {
    let rig = token(rig);
    let mut subjects = vec![
        format!("records.*.{rig}"),
        format!("beats.*.{rig}"),
        format!("$KV.rigs.{rig}"),
    ];
    subjects.extend(looks());
    for n in 0..PRIORITIES {
        let consumer = format!("JOBS.p{n}-{rig}");
        subjects.extend([
            format!("$JS.API.CONSUMER.INFO.{consumer}"),
            // With the filter of the consumer: no rig leases the batches of another one.
            format!("$JS.API.CONSUMER.CREATE.{consumer}.jobs.{n}.{rig}.>"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{consumer}"),
            format!("$JS.ACK.{consumer}.>"),
        ]);
    }
    subjects.extend(reads(&READ_BY_AGENTS));
    subjects
}
