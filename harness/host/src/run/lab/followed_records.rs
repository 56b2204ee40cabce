//! The records of a lab: journals, line by line. Read in the background, as they come.

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

/// How long a reading that broke off waits before it begins again.
const AGAIN: Duration = Duration::from_secs(1);

/// A message of the stream of records.
pub struct StoredRecord {
    pub seq: u64,
    pub subject: String,
    pub payload: Bytes,
}

impl From<Message> for StoredRecord {
    fn from(message: Message) -> Self {
        Self {
            seq: message.info().map_or(0, |info| info.stream_sequence),
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
        }
    }
}

/// Records that are read in the background, until this is dropped.
#[derive(Debug)]
pub struct FollowedRecords(AbortHandle);

impl Drop for FollowedRecords {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FollowedRecords {
    /// Reads, and tries again what fails. `read` gets nothing behind the last record that was there when the reading began, or began
    /// again.
    pub fn start(
        runtime: &Runtime,
        records: Stream,
        subject: String,
        read: impl FnMut(Option<StoredRecord>) -> bool + Send + 'static,
    ) -> Self {
        let reading = runtime.spawn(async move {
            let mut reading = RecordReading { read, seen: 0 };
            loop {
                match reading.go_on(&records, &subject).await {
                    Ok(()) => return,
                    Err(why) => tracing::warn!("`{subject}`: {why}"),
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
        Self(reading.abort_handle())
    }
}

/// Reads the records of a subject, over several connections if need be.
struct RecordReading<R> {
    read: R,
    /// The last one that was read.
    seen: u64,
}

impl<R: FnMut(Option<StoredRecord>) -> bool> RecordReading<R> {
    /// Reads until whoever reads has enough.
    async fn go_on(&mut self, records: &Stream, subject: &str) -> Result<(), async_nats::Error> {
        let last = match records.get_last_raw_message_by_subject(subject).await {
            Ok(last) => last.sequence,
            Err(why) if why.kind() == LastRawMessageErrorKind::NoMessageFound => 0,
            Err(why) => return Err(why.into()),
        };
        let config = OrderedConfig {
            filter_subject: subject.to_owned(),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: self.seen + 1,
            },
            ..OrderedConfig::default()
        };
        let mut messages = records.create_consumer(config).await?.messages().await?;
        let mut is_behind = true;
        loop {
            if is_behind && self.seen >= last {
                is_behind = false;
                if !(self.read)(None) {
                    return Ok(());
                }
            }
            let Some(message) = messages.next().await else {
                return Err("the records ended".into());
            };
            let record = StoredRecord::from(message?);
            self.seen = self.seen.max(record.seq);
            if !(self.read)(Some(record)) {
                return Ok(());
            }
        }
    }
}
