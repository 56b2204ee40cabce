//! What the page's thread knows: the fold, the answers made of it, and who reads the events.

use bytes::Bytes;
use dfota_record::live::LiveHtml;
use dfota_record::live::view::LiveView;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use time::UtcDateTime;
use tokio::sync::Notify;
use tokio::sync::mpsc;

/// Events that may wait for a reader. One that is further behind gets all parts anew once it reads again.
const BEHIND: usize = 16;
/// A reader that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(60);
/// After so long without an event, a line that means nothing shows whether a reader is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Pages of cases that are kept until something changes.
const CASES: usize = 64;

/// Somebody who has the page open.
#[derive(Debug)]
struct LiveReader {
    events: mpsc::Sender<Bytes>,
    /// Since when it has not taken what there is.
    behind: Option<Instant>,
    /// Ends its connection.
    leave: Rc<Notify>,
}

/// Answers that are the same for everybody until the next turn: a flood of requests makes each once.
#[derive(Debug, Default)]
struct Answers {
    page: Option<LiveAnswer>,
    json: Option<Bytes>,
    metrics: Option<Bytes>,
    cases: HashMap<[String; 2], LiveAnswer>,
}

/// A page, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct LiveAnswer {
    pub(super) html: Bytes,
    pub(super) policy: String,
}

impl From<LiveHtml> for LiveAnswer {
    fn from(page: LiveHtml) -> Self {
        Self {
            html: page.html.into(),
            policy: page.policy,
        }
    }
}

/// What one page shows, and who reads it.
#[derive(Debug)]
pub(super) struct Board<V> {
    pub(super) view: V,
    answers: Answers,
    readers: Vec<LiveReader>,
    spoke: Instant,
}

impl<V: LiveView> Board<V> {
    pub(super) fn new(view: V) -> Self {
        Self {
            view,
            answers: Answers::default(),
            readers: Vec::new(),
            spoke: Instant::now(),
        }
    }

    /// A turn is over: tells the readers what has changed.
    pub(super) fn tell(&mut self) {
        // Also without a change: the times on the page go on.
        self.answers = Answers::default();
        let parts = self.view.take_changed();
        let now = Instant::now();
        let heartbeat = parts.is_empty() && now.duration_since(self.spoke) >= HEARTBEAT;
        if self.readers.is_empty() || (parts.is_empty() && !heartbeat && !self.is_anybody_behind()) {
            return;
        }
        self.spoke = now;
        let news = if parts.is_empty() {
            Bytes::from_static(b": \n\n")
        } else {
            self.events(&parts)
        };
        let whole = self.is_anybody_behind().then(|| self.events(V::WHOLE));
        self.readers
            .retain_mut(|reader| reader.take(&news, whole.as_ref(), now));
    }

    /// Whether somebody has the page open.
    #[cfg(feature = "lab")]
    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    fn is_anybody_behind(&self) -> bool {
        self.readers.iter().any(|reader| reader.behind.is_some())
    }

    /// The last word: every reader is told, and its connection ends behind it.
    pub(super) fn end(&mut self, said: &str) {
        self.tell();
        let event: Bytes = event("ended", said).into();
        for reader in self.readers.drain(..) {
            // One that is behind learns it from the end of its connection.
            let _ = reader.events.try_send(event.clone());
        }
    }

    /// A new reader of the events; its connection ends by `leave`.
    pub(super) fn subscribe(&mut self, leave: Rc<Notify>) -> mpsc::Receiver<Bytes> {
        let (events, receiver) = mpsc::channel(BEHIND);
        let mut first = b"retry: 2000\n\n".to_vec();
        first.extend_from_slice(&self.events(V::WHOLE));
        let _ = events.try_send(first.into()); // there is room for one
        self.readers.push(LiveReader {
            events,
            behind: None,
            leave,
        });
        receiver
    }

    fn events(&self, parts: &[V::Part]) -> Bytes {
        let now = now_ms();
        let parts = parts
            .iter()
            .map(|&part| event("part", &format!("{}\n{}", V::id(part), self.view.part(part, now))));
        parts.collect::<String>().into()
    }

    pub(super) fn page(&mut self) -> LiveAnswer {
        let made = self
            .answers
            .page
            .get_or_insert_with(|| self.view.page(now_ms()).into());
        made.clone()
    }

    pub(super) fn json(&mut self) -> Option<Bytes> {
        if self.answers.json.is_none() {
            self.answers.json = self.view.json(now_ms()).ok().map(Bytes::from);
        }
        self.answers.json.clone()
    }

    pub(super) fn metrics(&mut self) -> Bytes {
        let made = self
            .answers
            .metrics
            .get_or_insert_with(|| self.view.metrics(now_ms()).into());
        made.clone()
    }

    pub(super) fn case(&mut self, suite: String, id: String) -> Option<LiveAnswer> {
        let key = [suite, id];
        if let Some(made) = self.answers.cases.get(&key) {
            return Some(made.clone());
        }
        let made: LiveAnswer = self.view.case_page(&key[0], &key[1])?.into();
        if self.answers.cases.len() < CASES {
            self.answers.cases.insert(key, made.clone());
        }
        Some(made)
    }
}

impl LiveReader {
    /// Hands it the news, or everything where it had fallen behind; whether it stays.
    fn take(&mut self, news: &Bytes, whole: Option<&Bytes>, now: Instant) -> bool {
        let next = match (self.behind, whole) {
            // What waits for it is old by now: it is read first, and then everything comes.
            (Some(_), Some(whole)) => whole,
            _ => news,
        };
        match self.events.try_send(next.clone()) {
            Ok(()) => self.behind = None,
            Err(mpsc::error::TrySendError::Closed(_)) => return false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                let since = *self.behind.get_or_insert(now);
                if now.duration_since(since) > PATIENCE {
                    self.leave.notify_one();
                    return false;
                }
            }
        }
        true
    }
}

/// A server-sent event.
fn event(name: &str, data: &str) -> String {
    let mut text = format!("event: {name}\n");
    for line in data.split('\n') {
        text += "data: ";
        text += line;
        text.push('\n');
    }
    text.push('\n');
    text
}

fn now_ms() -> u64 {
    u64::try_from(UtcDateTime::now().unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
