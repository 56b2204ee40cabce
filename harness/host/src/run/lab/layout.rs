//! What a lab has on its server: streams, buckets, files. Made where it is missing.

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Config as BucketConfig, Store};
use async_nats::jetstream::object_store::{Config as ObjectConfig, ObjectStore};
use async_nats::jetstream::stream::{
    Config as StreamConfig, DiscardPolicy, RetentionPolicy, StorageType, Stream,
};
use std::time::Duration;

/// How long records, and what is known of a run, are kept.
pub const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// What a lab needs on its server.
pub struct Opened {
    pub jobs: Stream,
    pub records: Stream,
    pub rigs: Store,
    pub runs: Store,
    pub drained: Store,
    pub waits: Store,
    pub files: ObjectStore,
}

/// Opens all of it. `lease`: how long a rig may be silent.
pub async fn open(js: &Context, lease: Duration) -> Result<Opened, async_nats::Error> {
    let files = match js.get_object_store("files").await {
        Ok(files) => files,
        Err(_) => js.create_object_store(files()).await?,
    };
    Ok(Opened {
        jobs: js.get_or_create_stream(jobs()).await?,
        records: js.get_or_create_stream(records()).await?,
        rigs: bucket(js, "rigs", lease).await?,
        runs: bucket(js, "runs", KEPT).await?,
        drained: bucket(js, "drained", Duration::ZERO).await?,
        waits: bucket(js, "waits", lease).await?,
        files,
    })
}

fn jobs() -> StreamConfig {
    StreamConfig {
        name: "JOBS".to_owned(),
        subjects: vec!["jobs.>".to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        // The same batch cannot be queued twice.
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        ..StreamConfig::default()
    }
}

fn records() -> StreamConfig {
    StreamConfig {
        name: "RECORDS".to_owned(),
        subjects: vec!["records.>".to_owned()],
        storage: StorageType::File,
        max_age: KEPT,
        ..StreamConfig::default()
    }
}

fn files() -> ObjectConfig {
    ObjectConfig {
        bucket: "files".to_owned(),
        max_age: KEPT,
        ..ObjectConfig::default()
    }
}

async fn bucket(js: &Context, name: &str, max_age: Duration) -> Result<Store, async_nats::Error> {
    if let Ok(store) = js.get_key_value(name).await {
        return Ok(store);
    }
    let config = BucketConfig {
        bucket: name.to_owned(),
        history: 1,
        max_age,
        ..BucketConfig::default()
    };
    match js.create_key_value(config).await {
        Ok(store) => Ok(store),
        // Somebody else made it meanwhile, with another lease: that one holds.
        Err(_) => Ok(js.get_key_value(name).await?),
    }
}
