//! Leases batches from the stream `JOBS`.

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::Config as PullConfig;
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The stream of batches.
pub struct JobQueue {
    pub stream: Stream,
    /// What leases them, by its name on the server. Each is asked for once.
    consumers: Mutex<BTreeMap<String, PullConsumer>>,
}

impl JobQueue {
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            consumers: Mutex::default(),
        }
    }

    /// The next batch of this consumer, if one comes in this time.
    pub async fn lease(
        &self,
        name: &str,
        config: PullConfig,
        wait: Duration,
    ) -> Result<Option<Message>, async_nats::Error> {
        let known = self.consumers().get(name).cloned();
        let consumer = match known {
            Some(known) => known,
            None => self.stream.get_or_create_consumer(name, config).await?,
        };
        let fetched = fetch(&consumer, wait).await;
        if fetched.is_ok() {
            self.consumers().insert(name.to_owned(), consumer);
        } else {
            // The server may have lost it.
            self.consumers().remove(name);
        }
        fetched
    }

    fn consumers(&self) -> MutexGuard<'_, BTreeMap<String, PullConsumer>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next message, if one comes in this time; without a time, if one is there.
async fn fetch(consumer: &PullConsumer, wait: Duration) -> Result<Option<Message>, async_nats::Error> {
    let mut messages = if wait.is_zero() {
        consumer.fetch().max_messages(1).messages().await?
    } else {
        consumer.batch().max_messages(1).expires(wait).messages().await?
    };
    messages.next().await.transpose()
}
