//! The connection to the server of a lab. Everything that talks to NATS goes through here: the rest of the program has no futures.

use super::board::{RigCard, RunCard, WaitCard};
use super::followed_records::{FollowedRecords, StoredRecord};
use super::job_queue::JobQueue;
use super::layout::{Opened, open};
use super::subjects::{self, token};
use crate::terminal::print_warning;
use async_nats::connection::State;
use async_nats::jetstream::consumer::pull::{Config as PullConfig, OrderedConfig};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::kv::{Operation, Store};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::object_store::ObjectStore;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{AckKind, Context, Message};
use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions};
use bytes::Bytes;
use dfota_record::digest::sha256_hex;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;

/// The oldest server whose key-value buckets the client can make.
const OLDEST: (u32, u32) = (2, 10);
/// How long an answer of the server may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a file may take on its way.
const TRANSFER: Duration = Duration::from_secs(300);
/// How long a watch that broke off waits before it begins again.
const WATCH_AGAIN: Duration = Duration::from_secs(1);
/// How long a service waits before it tries again to find the server, and how often it looks whether it is stopped meanwhile.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
/// Stands for the rig where the user is no agent.
pub const RUNS: &str = "=runs";
/// The same for one who only looks.
pub const READS: &str = "=reads";
/// Priorities of runs: 0 goes first.
pub const PRIORITIES: u8 = 3;

/// Where the server of a lab is, and how to be let in.
#[derive(Debug, Clone, clap::Args)]
pub struct LabAccess {
    /// File with the secret seed of this user's nkey
    #[arg(long, value_name = "FILE", env = "DFOTA_HIL_LAB_NKEY", hide_env_values = true)]
    pub lab_nkey: Option<PathBuf>,
    /// Certificate of the authority that signed the server's, as PEM
    #[arg(long, value_name = "FILE", env = "DFOTA_HIL_LAB_CA", hide_env_values = true)]
    pub lab_ca: Option<PathBuf>,
    /// How long a rig may be silent before its batch is given to another one
    #[arg(long, value_name = "T", hide = true, default_value = "60s", value_parser = humantime::parse_duration)]
    pub lease: Duration,
}

/// What went wrong between this program and the server of a lab.
#[derive(Debug, thiserror::Error)]
#[error("lab `{url}`: {what}: {why}")]
pub struct LabError {
    url: String,
    what: String,
    why: String,
    /// No server answered at the address.
    is_away: bool,
}

/// A server of a lab.
pub struct LabServer {
    url: String,
    /// How long a rig may be silent.
    pub lease: Duration,
    runtime: Runtime,
    client: Client,
    js: Context,
    jobs: JobQueue,
    records: Stream,
    rigs: Store,
    runs: Store,
    drained: Store,
    waits: Store,
    files: ObjectStore,
}

/// What can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Rigs,
    Drained,
    Runs,
}

/// A batch that this rig leases. It comes again unless it is kept or done.
pub struct LeasedJob {
    message: Message,
    pub payload: Bytes,
}

impl LabServer {
    /// Connects, and makes what a lab needs on a server that has none of it yet. `who` is a rig, or [`RUNS`]: answers come to subjects
    /// that only this user hears.
    pub fn connect(url: &str, who: &str, access: &LabAccess) -> Result<Self, LabError> {
        let failed = |what: &str, why: &dyn Display| LabError {
            url: url.to_owned(),
            what: what.to_owned(),
            why: why.to_string(),
            is_away: false,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("lab")
            .enable_all()
            .build()
            .map_err(|why| failed("no threads for the connection", &why))?;
        let options = options(who, access).map_err(|why| failed("the credentials cannot be read", &why))?;
        let client = runtime.block_on(options.connect(url)).map_err(|why| LabError {
            is_away: is_away(&why),
            ..failed(
                "no connection; is the server running, and the address right",
                &why,
            )
        })?;
        let version = client.server_info().version;
        if !is_new_enough(&version) {
            let (major, minor) = OLDEST;
            let why =
                format!("expected {major}.{minor} or newer, found {version}: install a newer `nats-server`");
            return Err(failed("the server is too old", &why));
        }
        let js = {
            // It starts a task of its own.
            let _within = runtime.enter();
            async_nats::jetstream::new(client.clone())
        };
        let opened = runtime.block_on(open(&js, access.lease));
        let Opened {
            jobs,
            records,
            rigs,
            runs,
            drained,
            waits,
            files,
        } = opened.map_err(|why| {
            failed(
                "the streams and buckets of a lab could not be opened or created on the server",
                &why,
            )
        })?;
        Ok(Self {
            url: url.to_owned(),
            lease: access.lease,
            runtime,
            client,
            js,
            jobs: JobQueue::new(jobs),
            records,
            rigs,
            runs,
            drained,
            waits,
            files,
        })
    }

    /// The same for a service: where no server answers, it tries again until one does. Nothing if it is `stopped` meanwhile.
    pub fn await_connection(
        url: &str,
        who: &str,
        access: &LabAccess,
        mut stopped: impl FnMut() -> bool,
    ) -> Result<Option<Self>, LabError> {
        let mut has_warned = false;
        loop {
            let away = match Self::connect(url, who, access) {
                Err(why) if why.is_away => why,
                connected => return connected.map(Some),
            };
            if !has_warned {
                print_warning(format_args!("{away}; trying again until there is one"));
                has_warned = true;
            }
            let until = Instant::now() + TRY_AGAIN;
            while Instant::now() < until {
                if stopped() {
                    return Ok(None);
                }
                std::thread::sleep(LOOK);
            }
        }
    }

    fn failed(&self, what: impl Into<String>, why: impl Display) -> LabError {
        LabError {
            is_away: false,
            url: self.url.clone(),
            what: what.into(),
            why: why.to_string(),
        }
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Publishes to a stream, and waits until the server has it. The same `id` is stored once within two minutes.
    pub fn store(&self, subject: String, id: String, payload: Vec<u8>) -> Result<(), LabError> {
        let message = PublishMessage::build().payload(payload.into()).message_id(id);
        let shown = subject.clone();
        self.wait(async {
            let sent = self.js.send_publish(subject, message).await;
            sent.map_err(|why| self.failed(format!("`{shown}` was not taken"), why))?
                .await
                .map_err(|why| self.failed(format!("`{shown}` was not taken"), why))
        })?;
        Ok(())
    }

    /// Tells whoever listens, now.
    pub fn tell(&self, subject: String, payload: Vec<u8>) {
        let told = self.wait(self.client.publish(subject, payload.into()));
        if let Err(why) = told {
            tracing::warn!("lab `{}`: {why}", self.url);
        }
    }

    /// Hears a subject that is not kept, from now on, until `heard` has enough. A task of its own listens.
    pub fn listen(
        &self,
        subject: String,
        mut heard: impl FnMut(&str, &[u8]) -> bool + Send + 'static,
    ) -> Result<(), LabError> {
        let mut messages = self
            .wait(self.client.subscribe(subject.clone()))
            .map_err(|why| self.failed(format!("`{subject}` cannot be heard"), why))?;
        self.runtime.spawn(async move {
            while let Some(message) = messages.next().await {
                if !heard(&message.subject, &message.payload) {
                    return;
                }
            }
        });
        Ok(())
    }

    /// The records of a subject, from the first one on, until `read` has enough. A task of its own reads.
    pub fn follow(
        &self,
        subject: String,
        mut read: impl FnMut(StoredRecord) -> bool + Send + 'static,
    ) -> Result<(), LabError> {
        let consumer = self.wait(self.records.create_consumer(OrderedConfig {
            filter_subject: subject.clone(),
            deliver_policy: DeliverPolicy::All,
            ..OrderedConfig::default()
        }));
        let consumer = consumer.map_err(|why| self.failed(format!("`{subject}` cannot be read"), why))?;
        let messages = self.wait(consumer.messages());
        let mut messages = messages.map_err(|why| self.failed(format!("`{subject}` cannot be read"), why))?;
        self.runtime.spawn(async move {
            while let Some(message) = messages.next().await {
                match message {
                    Ok(message) => {
                        if !read(message.into()) {
                            return;
                        }
                    }
                    // The client makes its consumer again and goes on where it was.
                    Err(why) => tracing::warn!("`{subject}`: {why}"),
                }
            }
        });
        Ok(())
    }

    /// The same without waiting for the server: what fails is tried again. `read` gets nothing behind the last record that was there
    /// when the reading began, or began again.
    pub fn follow_from_afar(
        &self,
        subject: String,
        read: impl FnMut(Option<StoredRecord>) -> bool + Send + 'static,
    ) -> FollowedRecords {
        FollowedRecords::start(&self.runtime, self.records.clone(), subject, read)
    }

    /// Whether the server is reached now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Every record of a subject that is there now.
    pub fn read_all(&self, subject: &str) -> Result<Vec<StoredRecord>, LabError> {
        let failed = |why: &dyn Display| self.failed(format!("`{subject}` cannot be read"), why);
        self.wait(async {
            let last = match self.records.get_last_raw_message_by_subject(subject).await {
                Ok(last) => last.sequence,
                Err(why) if why.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(Vec::new()),
                Err(why) => return Err(failed(&why)),
            };
            let config = OrderedConfig {
                filter_subject: subject.to_owned(),
                deliver_policy: DeliverPolicy::All,
                ..OrderedConfig::default()
            };
            let consumer = self
                .records
                .create_consumer(config)
                .await
                .map_err(|why| failed(&why))?;
            let mut messages = consumer.messages().await.map_err(|why| failed(&why))?;
            let mut all = Vec::new();
            while let Some(message) = messages.next().await {
                let message = message.map_err(|why| failed(&why))?;
                let record = StoredRecord::from(message);
                let seq = record.seq;
                all.push(record);
                if seq >= last {
                    break;
                }
            }
            Ok(all)
        })
    }

    /// The next batch for a rig, the most urgent first; nothing where none waits.
    pub fn lease_job(&self, rig: &str, wait: Duration) -> Result<Option<LeasedJob>, LabError> {
        for priority in 0..PRIORITIES {
            // The last one waits a little, so that an agent without work does not ask without a pause.
            let wait = if priority + 1 == PRIORITIES {
                wait
            } else {
                Duration::ZERO
            };
            let name = format!("p{priority}-{}", token(rig));
            let config = PullConfig {
                durable_name: Some(name.clone()),
                filter_subject: subjects::jobs_of_rig(priority, rig),
                ack_policy: AckPolicy::Explicit,
                ack_wait: self.lease,
                max_ack_pending: 1,
                ..PullConfig::default()
            };
            let found = self.wait(self.jobs.lease(&name, config, wait));
            let found = found.map_err(|why| self.failed(format!("jobs of the rig `{rig}`"), why))?;
            if let Some(message) = found {
                let payload = message.payload.clone();
                return Ok(Some(LeasedJob { message, payload }));
            }
        }
        Ok(None)
    }

    /// Keeps a leased batch for another lease.
    pub fn keep_job(&self, job: &LeasedJob) {
        if let Err(why) = self.wait(job.message.ack_with(AckKind::Progress)) {
            tracing::warn!("lab `{}`: the lease of a batch was not extended: {why}", self.url);
        }
    }

    /// A leased batch is over: it does not come again.
    pub fn end_job(&self, job: &LeasedJob) -> Result<(), LabError> {
        self.wait(job.message.double_ack())
            .map_err(|why| self.failed("a batch that is over was not taken from the queue", why))
    }

    /// Takes batches out of the queue. One that a rig has leased is not taken from the rig.
    pub fn withdraw_jobs(&self, filter: &str) -> Result<u64, LabError> {
        let purged = self.wait(async { self.jobs.stream.purge().filter(filter).await });
        purged
            .map(|purged| purged.purged)
            .map_err(|why| self.failed(format!("`{filter}` was not withdrawn"), why))
    }

    /// Says what a rig is and does; it is forgotten one lease later.
    pub fn put_rig(&self, card: &RigCard) -> Result<(), LabError> {
        let put = self.wait(self.rigs.put(token(&card.name), json(card).into()));
        put.map(|_| ())
            .map_err(|why| self.failed(format!("rig `{}`", card.name), why))
    }

    /// Joins the lab with a rig. Another agent that shows a rig of this name is waited for until the lab has forgotten it: it may have
    /// been this one, before it was killed.
    pub fn create_rig(&self, card: &RigCard, stop: &AtomicBool) -> Result<(), LabError> {
        let until = Instant::now() + self.lease * 2;
        loop {
            let made = self.wait(self.rigs.create(token(&card.name), json(card).into()));
            let Err(why) = made else { return Ok(()) };
            let other = self.rigs()?.into_iter().find(|other| other.name == card.name);
            let Some(other) = other else {
                return Err(self.failed(format!("rig `{}` was not registered", card.name), why));
            };
            let is_mine = other.host == card.host && other.file == card.file;
            if !is_mine || Instant::now() >= until {
                let why = format!(
                    "its file is `{}` on `{}`: rigs of a lab need names of their own",
                    other.file, other.host
                );
                return Err(self.failed(format!("there is a rig `{}` already", card.name), why));
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// A drained rig takes no further batch.
    pub fn drain(&self, rig: &str, drained: bool) -> Result<(), LabError> {
        let failed = |why: &dyn Display| self.failed(format!("rig `{rig}`"), why);
        if drained {
            let put = self.wait(self.drained.put(token(rig), Bytes::from_static(b"{}")));
            put.map(|_| ()).map_err(|why| failed(&why))
        } else {
            self.wait(self.drained.delete(token(rig)))
                .map_err(|why| failed(&why))
        }
    }

    pub fn is_drained(&self, rig: &str) -> bool {
        matches!(self.wait(self.drained.get(token(rig))), Ok(Some(_)))
    }

    /// The rig leaves the lab.
    pub fn remove_rig(&self, rig: &str) {
        let _ = self.wait(self.rigs.delete(token(rig)));
    }

    /// The rigs whose agents live.
    pub fn rigs(&self) -> Result<Vec<RigCard>, LabError> {
        Ok(self.all(&self.rigs)?.into_values().collect())
    }

    pub fn put_run(&self, card: &RunCard) -> Result<(), LabError> {
        let put = self.wait(self.runs.put(token(&card.run), json(card).into()));
        put.map(|_| ())
            .map_err(|why| self.failed(format!("run `{}`", card.run), why))
    }

    /// A run that is new to the lab. Two of one name would mix their journals.
    pub fn create_run(&self, card: &RunCard) -> Result<(), LabError> {
        let made = self.wait(self.runs.create(token(&card.run), json(card).into()));
        made.map(|_| ()).map_err(|why| {
            self.failed(
                format!(
                    "run `{}`: the lab already has a run of this name: choose another `--out`",
                    card.run
                ),
                why,
            )
        })
    }

    /// Says what a run waits for; it is forgotten one lease later.
    pub fn put_waits(&self, card: &WaitCard) -> Result<(), LabError> {
        let put = self.wait(self.waits.put(token(&card.run), json(card).into()));
        put.map(|_| ())
            .map_err(|why| self.failed(format!("run `{}`", card.run), why))
    }

    /// The run waits for nothing any more.
    pub fn remove_waits(&self, run: &str) {
        let _ = self.wait(self.waits.delete(token(run)));
    }

    pub fn waits(&self) -> Result<Vec<WaitCard>, LabError> {
        Ok(self.all(&self.waits)?.into_values().collect())
    }

    pub fn run(&self, run: &str) -> Result<Option<RunCard>, LabError> {
        let entry = self.wait(self.runs.get(token(run)));
        let entry = entry.map_err(|why| self.failed(format!("run `{run}`"), why))?;
        Ok(entry.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub fn runs(&self) -> Result<Vec<RunCard>, LabError> {
        Ok(self.all(&self.runs)?.into_values().collect())
    }

    /// Tells what is in a bucket and what changes there, until `changed` has enough: a key, and its value unless it is gone. A task of
    /// its own watches.
    pub fn watch(
        &self,
        bucket: Bucket,
        mut changed: impl FnMut(&str, Option<&[u8]>) -> bool + Send + 'static,
    ) {
        let store = match bucket {
            Bucket::Rigs => self.rigs.clone(),
            Bucket::Drained => self.drained.clone(),
            Bucket::Runs => self.runs.clone(),
        };
        self.runtime.spawn(async move {
            loop {
                match store.watch_with_history(">").await {
                    Err(why) => tracing::warn!("bucket `{}`: {why}", store.name),
                    Ok(mut entries) => {
                        while let Some(Ok(entry)) = entries.next().await {
                            let is_there = entry.operation == Operation::Put;
                            if !changed(&entry.key, is_there.then_some(&entry.value[..])) {
                                return;
                            }
                        }
                    }
                }
                tokio::time::sleep(WATCH_AGAIN).await;
            }
        });
    }

    fn all<T: DeserializeOwned>(&self, bucket: &Store) -> Result<BTreeMap<String, T>, LabError> {
        let failed = |why: &dyn Display| self.failed(format!("bucket `{}`", bucket.name), why);
        // A key that goes away while it is listed is waited for.
        let listed = async {
            let mut keys = bucket.keys().await.map_err(|why| failed(&why))?;
            let mut all = BTreeMap::new();
            while let Some(key) = keys.next().await {
                let key = key.map_err(|why| failed(&why))?;
                let value = bucket.get(&key).await.map_err(|why| failed(&why))?;
                if let Some(value) = value.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                    all.insert(key, value);
                }
            }
            Ok(all)
        };
        // A timer needs the runtime around it.
        self.wait(async {
            tokio::time::timeout(ANSWER, listed)
                .await
                .map_err(|why| failed(&why))?
        })
    }

    /// Keeps a file under its SHA-256.
    pub fn put_file(&self, bytes: &[u8]) -> Result<String, LabError> {
        let name = sha256_hex(bytes);
        if self.wait(self.files.info(&name)).is_ok() {
            return Ok(name);
        }
        self.put_object(&name, bytes)?;
        Ok(name)
    }

    pub fn put_object(&self, name: &str, mut bytes: &[u8]) -> Result<(), LabError> {
        let put = self.wait(self.files.put(name, &mut bytes));
        put.map(|_| ())
            .map_err(|why| self.failed(format!("`{name}` was not stored"), why))
    }

    pub fn object(&self, name: &str) -> Result<Vec<u8>, LabError> {
        let failed = |why: &dyn Display| self.failed(format!("`{name}` cannot be fetched"), why);
        let read = async {
            let mut object = self.files.get(name).await.map_err(|why| failed(&why))?;
            let mut bytes = Vec::new();
            let read = object.read_to_end(&mut bytes).await;
            read.map(|_| bytes).map_err(|why| failed(&why))
        };
        self.wait(async {
            tokio::time::timeout(TRANSFER, read)
                .await
                .map_err(|why| failed(&why))?
        })
    }
}

fn options(who: &str, access: &LabAccess) -> Result<ConnectOptions, String> {
    let unread = |path: &Path, why: std::io::Error| format!("`{}`: {why}", path.display());
    let mut options = ConnectOptions::new()
        .name("dfota-hil")
        .custom_inbox_prefix(format!("_INBOX.{who}"))
        .request_timeout(Some(ANSWER))
        // A network that swallows everything is found by this alone.
        .ping_interval(ANSWER)
        .max_reconnects(None);
    if let Some(path) = &access.lab_nkey {
        let seed = std::fs::read_to_string(path).map_err(|why| unread(path, why))?;
        options = options.nkey(seed.trim().to_owned());
    }
    if let Some(path) = &access.lab_ca {
        // The client would only say later that it is not there.
        std::fs::metadata(path).map_err(|why| unread(path, why))?;
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    Ok(options)
}

/// Whether no server answered. One whose certificate, words or rights are wrong will be no better in a second.
fn is_away(why: &ConnectError) -> bool {
    let io = why
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>());
    match why.kind() {
        ConnectErrorKind::Dns | ConnectErrorKind::TimedOut => true,
        // So it hands on what TLS has to say, too.
        ConnectErrorKind::Io => io.is_some_and(|io| io.kind() != std::io::ErrorKind::InvalidData),
        _ => false,
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_is_not_there_is_waited_for() {
        for (kind, away) in [
            (std::io::ErrorKind::ConnectionRefused, true),
            (std::io::ErrorKind::NetworkUnreachable, true),
            (std::io::ErrorKind::ConnectionReset, true),
            // A certificate that nobody knows.
            (std::io::ErrorKind::InvalidData, false),
        ] {
            let why = std::io::Error::new(kind, "why");
            assert_eq!(is_away(&ConnectError::from(why)), away, "{kind}");
        }
    }

    #[test]
    fn an_old_server_is_refused() {
        for (version, is_new) in [
            ("2.15.1", true),
            ("2.10.0", true),
            ("2.9.10", false),
            ("3.0.0-RC.1", true),
            ("x", false),
        ] {
            assert_eq!(is_new_enough(version), is_new, "{version}");
        }
    }
}
