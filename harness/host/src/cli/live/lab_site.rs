//! The pages of a lab: all its rigs and runs on one, and each run on the page that `run --live` would show.
//!
//! The records of a run are read when somebody opens its page, and dropped five minutes after the last request. While somebody
//! looks at the lab, the records of its open runs are read as well, to count their cases. A run that is over is read once.

use super::answer::{Asked, decoded, from_board, moved, refusal};
use super::board::Board;
use super::body::LiveBody;
use super::site::{AT_ONCE, Site};
use crate::run::lab::board::{LabRigState, LabRunState, RigCard, RunCard};
use crate::run::lab::followed_records::FollowedRecords;
use crate::run::lab::rig_watch::RigWatch;
use crate::run::lab::run_records::{RigRecord, RunRecords};
use crate::run::lab::run_watch::RunWatch;
use crate::run::lab::server::{LabError, LabServer};
use crate::run::lab::subjects;
use dfota_core::event::Event;
use dfota_record::journal::mask;
use dfota_record::live::LiveRun;
use dfota_record::live::api::LiveCounts;
use dfota_record::live::lab::{LabFacts, LabRigFacts, LabRigWord, LabRunFacts, LabRunWord, LiveLab};
use hyper::{Response, StatusCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// How long the records of a run are kept when nobody looks at it any more.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// Runs whose records are kept at once. One that somebody has open is never let go for another one.
const MOST: usize = 24;
/// Open runs that are read because somebody looks at the lab.
const MOST_OPEN: usize = 8;
/// Records on their way from the server to a page. The server waits when it is full.
const ON_THE_WAY: usize = 4_096;

/// What a run's records say of it: its cases, and its exit code once it is over.
type RunStanding = (LiveCounts, Option<u8>);

/// What is known of the rigs and the runs.
pub(super) struct LabWatch {
    rigs: Arc<RigWatch>,
    runs: Arc<RunWatch>,
}

impl LabWatch {
    /// Begins to watch.
    pub(super) fn start(lab: &LabServer) -> Result<Self, LabError> {
        Ok(Self {
            rigs: RigWatch::start(lab),
            runs: RunWatch::start(lab)?,
        })
    }
}

/// The pages of a lab.
pub(super) struct LabSite {
    lab: Arc<LabServer>,
    watched: LabWatch,
    masked: bool,
    board: Board<LiveLab>,
    /// The runs, as they were at the last turn.
    cards: Vec<RunCard>,
    pages: BTreeMap<String, RunPage>,
    /// Of runs whose records were let go.
    standings: BTreeMap<String, RunStanding>,
    /// When somebody asked for the lab last.
    asked: Option<Instant>,
    /// Since when the server is reached.
    heard: Option<Instant>,
}

/// The page of a run of the lab.
struct RunPage {
    board: Board<LiveRun>,
    inbox: Receiver<RunNews>,
    /// Every record is here that was there when somebody asked.
    is_whole: bool,
    /// When somebody asked last. Nothing: it is only read to count its cases.
    asked: Option<Instant>,
    standing: RunStanding,
    /// The standing is not the one that the records say.
    is_behind: bool,
    _following: FollowedRecords,
}

/// What comes from the server.
enum RunNews {
    Record(Box<RigRecord>),
    /// All that was there has come.
    Whole,
}

impl LabSite {
    pub(super) fn new(lab: Arc<LabServer>, watched: LabWatch, masked: bool) -> Self {
        Self {
            cards: watched.runs.cards(),
            lab,
            watched,
            masked,
            board: Board::new(LiveLab::default()),
            pages: BTreeMap::new(),
            standings: BTreeMap::new(),
            asked: None,
            heard: None,
        }
    }

    /// A text as it may be shown.
    fn shown(&self, text: &str) -> String {
        if self.masked {
            mask::text(text).into_owned()
        } else {
            text.to_owned()
        }
    }

    /// The run that a path is about, and the path below its page.
    fn find<'p>(&self, path: &'p str) -> Option<(&RunCard, &'p str)> {
        let rest = path.strip_prefix("/run/")?;
        let (name, below) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let name = decoded(name)?;
        let card = self.cards.iter().find(|card| self.shown(&card.run) == name)?;
        Some((card, below))
    }

    /// The page of a run; its records are read if they are not yet.
    fn want(&mut self, run: &str) -> &mut RunPage {
        if !self.pages.contains_key(run) {
            self.make_room();
        }
        let (lab, masked) = (&self.lab, self.masked);
        self.pages
            .entry(run.to_owned())
            .or_insert_with(|| RunPage::new(lab, run, masked))
    }

    fn make_room(&mut self) {
        while self.pages.len() >= MOST {
            let free = self.pages.iter().filter(|(_, page)| !page.board.has_readers());
            let oldest = free.min_by_key(|(_, page)| page.asked);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.let_go(&name);
        }
    }

    fn let_go(&mut self, run: &str) {
        if let Some(page) = self.pages.remove(run)
            && page.is_whole
        {
            self.standings.insert(run.to_owned(), page.standing);
        }
    }

    fn let_old_ones_go(&mut self) {
        let is_old = |page: &RunPage| match page.asked {
            _ if page.board.has_readers() => false,
            Some(asked) => asked.elapsed() > KEPT,
            None => page.is_whole && !page.is_behind,
        };
        let old = self.pages.iter().filter(|(_, page)| is_old(page));
        let old: Vec<String> = old.map(|(name, _)| name.clone()).collect();
        for name in old {
            self.let_go(&name);
        }
        // That of a run which goes on, or goes on again, is soon an old one.
        let is_over = |run: &str| {
            let mut cards = self.cards.iter();
            cards.any(|card| card.run == run && card.state == LabRunState::Over)
        };
        self.standings.retain(|run, _| is_over(run));
    }

    /// Reads what somebody who looks at the lab wants to know.
    fn count(&mut self) {
        let is_asked = self.asked.is_some_and(|asked| asked.elapsed() < KEPT);
        if !is_asked && !self.board.has_readers() {
            return;
        }
        let is_open = |card: &&RunCard| card.state != LabRunState::Over;
        let open = self.cards.iter().filter(is_open).take(MOST_OPEN);
        let open: Vec<String> = open.map(|card| card.run.clone()).collect();
        for run in open {
            self.want(&run).asked = Some(Instant::now());
        }
        // One after the other: nobody waits for them.
        if self.pages.values().any(|page| !page.is_whole) || self.pages.len() >= MOST {
            return;
        }
        let is_new = |card: &&RunCard| {
            let is_known = self.standings.contains_key(&card.run) || self.pages.contains_key(&card.run);
            card.state == LabRunState::Over && !is_known
        };
        if let Some(run) = self.cards.iter().find(is_new).map(|card| card.run.clone()) {
            self.want(&run);
        }
    }

    fn facts(&mut self) -> LabFacts {
        let connected = self.lab.is_connected();
        if connected {
            self.heard.get_or_insert_with(Instant::now);
        } else {
            self.heard = None;
        }
        let rigs = self.watched.rigs.each(self.heard, |card, is_gone, is_drained| {
            self.rig_facts(card, is_gone, is_drained)
        });
        LabFacts {
            connected,
            rigs,
            runs: self.cards.iter().map(|card| self.run_facts(card)).collect(),
        }
    }

    fn rig_facts(&self, card: &RigCard, is_gone: bool, is_drained: bool) -> LabRigFacts {
        let (mut run, mut batch, mut why) = (None, None, String::new());
        let state = match &card.state {
            _ if is_gone => LabRigWord::Gone,
            LabRigState::Idle if is_drained => LabRigWord::Drained,
            LabRigState::Idle => LabRigWord::Idle,
            LabRigState::Drained => LabRigWord::Drained,
            LabRigState::Works { .. } => LabRigWord::Working,
            LabRigState::Waits { .. } => LabRigWord::Waiting,
            LabRigState::Out(_) => LabRigWord::Out,
        };
        match &card.state {
            // Of one that is gone it is where it stood.
            LabRigState::Works { run: of, batch: at } => {
                (run, batch) = (Some(self.shown(of)), Some(self.shown(at)));
            }
            LabRigState::Waits { run: of, why: said } => {
                (run, why) = (Some(self.shown(of)), self.shown(said));
            }
            LabRigState::Out(said) => why = self.shown(said),
            LabRigState::Idle | LabRigState::Drained => {}
        }
        if is_gone {
            why = "its agent says nothing any more".to_owned();
        }
        LabRigFacts {
            rig: self.shown(&card.name),
            host: self.shown(&card.host),
            module: card.module.clone(),
            simulated: card.simulated,
            version: card.version.clone(),
            state,
            why,
            run,
            batch,
            since: (card.since > 0 && !is_gone).then_some(card.since),
        }
    }

    fn run_facts(&self, card: &RunCard) -> LabRunFacts {
        let page = self.pages.get(&card.run).filter(|page| page.is_whole);
        let known = self.standings.get(&card.run).copied();
        let standing = page.map(|page| page.standing).or(known);
        let shown = |texts: &[String]| texts.iter().map(|text| self.shown(text)).collect();
        LabRunFacts {
            run: self.shown(&card.run),
            state: match card.state {
                LabRunState::Open => LabRunWord::Open,
                LabRunState::Cancelled => LabRunWord::Cancelled,
                LabRunState::Over => LabRunWord::Over,
            },
            priority: card.priority,
            owner: self.shown(&card.host),
            suites: shown(&card.suites),
            rigs: shown(&card.rigs),
            began: card.began,
            cases: standing.map(|(counts, _)| counts),
            exit: standing.and_then(|(_, exit)| exit),
        }
    }
}

impl Site for LabSite {
    fn take(&mut self) -> bool {
        let mut more = false;
        for page in self.pages.values_mut() {
            more |= page.take();
        }
        more
    }

    fn tell(&mut self) {
        self.cards = self.watched.runs.cards();
        for page in self.pages.values_mut() {
            page.stand();
            page.board.tell();
        }
        self.let_old_ones_go();
        self.count();
        let facts = self.facts();
        self.board.view.set(facts);
        self.board.tell();
    }

    fn end(&mut self, said: &str) {
        self.board.end(said);
        for page in self.pages.values_mut() {
            page.board.end(said);
        }
    }

    fn is_ready(&mut self, path: &str) -> bool {
        match self.find(path) {
            Some((card, below)) if !below.is_empty() => {
                let run = card.run.clone();
                let page = self.want(&run);
                page.asked = Some(Instant::now());
                page.is_whole
            }
            _ => true,
        }
    }

    fn answer(&mut self, path: &str, asked: &Asked<'_>) -> Response<LiveBody> {
        if !path.starts_with("/run/") {
            self.asked = Some(Instant::now());
            return from_board(path, &mut self.board, asked);
        }
        let Some((card, below)) = self.find(path) else {
            let why = "the lab knows no such run, or has forgotten it: `/` lists those that it knows";
            return refusal(StatusCode::NOT_FOUND, why);
        };
        if below.is_empty() {
            return moved(&format!("{path}/"));
        }
        let (run, is_over) = (card.run.clone(), card.state == LabRunState::Over);
        let page = self.want(&run);
        if !page.is_whole {
            let why = "the records of this run are still being read: ask again in some seconds";
            return refusal(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        if is_over && !page.board.view.has_begun() {
            let why = "the server of the lab has no records of this run any more: it keeps them for 14 days";
            return refusal(StatusCode::NOT_FOUND, why);
        }
        from_board(below, &mut page.board, asked)
    }
}

impl RunPage {
    fn new(lab: &LabServer, run: &str, masked: bool) -> Self {
        let (news, inbox) = sync_channel(ON_THE_WAY);
        let mut records = RunRecords::new(run);
        let following = lab.follow_from_afar(subjects::records_of_run(run), move |message| match message {
            Some(message) => {
                let mut read = records.read(&message).into_iter();
                read.all(|record| pass_on(&news, RunNews::Record(Box::new(record))))
            }
            None => pass_on(&news, RunNews::Whole),
        });
        let view = LiveRun::new(masked).in_lab();
        Self {
            standing: view.standing(),
            board: Board::new(view),
            inbox,
            is_whole: false,
            asked: None,
            is_behind: false,
            _following: following,
        }
    }

    /// Takes what has come, in part; whether there is more.
    fn take(&mut self) -> bool {
        for (count, news) in self.inbox.try_iter().enumerate() {
            match news {
                RunNews::Record(record) => {
                    let (rig, record) = *record;
                    self.is_behind |= changes_standing(&record.event);
                    self.board.view.on(rig.as_deref(), &record);
                }
                RunNews::Whole => {
                    self.is_whole = true;
                    self.is_behind = true;
                }
            }
            if count + 1 == AT_ONCE {
                return true;
            }
        }
        false
    }

    /// Counts the cases again, if that is needed.
    fn stand(&mut self) {
        if std::mem::take(&mut self.is_behind) {
            self.standing = self.board.view.standing();
        }
    }
}

/// Most of a journal is the dialogue.
fn changes_standing(event: &Event) -> bool {
    matches!(
        event,
        Event::CasePlanned { .. }
            | Event::CaseStarted { .. }
            | Event::CaseEnded(_)
            | Event::Fleet(_)
            | Event::RunEnded { .. }
    )
}

/// Hands news to the page; whether it still takes any. Where the page is behind, the other tasks of the connection go on.
fn pass_on(news: &SyncSender<RunNews>, what: RunNews) -> bool {
    match news.try_send(what) {
        Ok(()) => true,
        Err(TrySendError::Disconnected(_)) => false,
        Err(TrySendError::Full(what)) => tokio::task::block_in_place(|| news.send(what).is_ok()),
    }
}
