//! Users of a lab's server: the subjects that each needs, and no other.

use super::server::{PRIORITIES, RUNS, token};

/// Who a user of the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabUser {
    /// The agent of the rig with this name.
    Agent(String),
    /// Programs that start runs, or look at the lab.
    Runs,
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

    /// The middle of the subjects that answers come to: nobody hears those of others.
    fn inbox(&self) -> String {
        match self {
            Self::Agent(rig) => token(rig),
            Self::Runs => RUNS.to_owned(),
        }
    }

    fn publishes(&self) -> Vec<String> {
        let Self::Agent(rig) = self else {
            let all = [
                "jobs.>",
                "records.*.=run",
                "orders.>",
                "$KV.>",
                "$O.files.>",
                "$JS.API.>",
                "$JS.FC.>",
            ];
            return all.map(str::to_owned).into();
        };
        let rig = token(rig);
        let mut subjects = vec![
            format!("records.*.{rig}"),
            format!("beats.*.{rig}"),
            format!("$KV.rigs.{rig}"),
            "$JS.API.INFO".to_owned(),
            "$JS.FC.>".to_owned(),
        ];
        subjects.extend(STREAMS.map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
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
        for stream in READ_BY_AGENTS {
            subjects.extend([
                format!("$JS.API.DIRECT.GET.{stream}.>"),
                format!("$JS.API.STREAM.MSG.GET.{stream}"),
                format!("$JS.API.CONSUMER.CREATE.{stream}"),
                format!("$JS.API.CONSUMER.CREATE.{stream}.>"),
                format!("$JS.API.CONSUMER.DELETE.{stream}.>"),
            ]);
        }
        subjects
    }

    fn hears(&self) -> Vec<String> {
        let mut subjects = vec![format!("_INBOX.{}.>", self.inbox())];
        match self {
            Self::Agent(rig) => subjects.push(format!("orders.*.{}", token(rig))),
            Self::Runs => subjects.extend(["beats.>", "orders.>"].map(str::to_owned)),
        }
        subjects
    }
}
