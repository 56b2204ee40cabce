//! The summary of a log as a whole.

use crate::count::count_of;
use dfota_core::exit_code::ExitCode;
use dfota_core::log::found::{LogOutcome, LogUpdate};
use dfota_core::log::place::LogPlace;
use dfota_core::log::reader::LogReader;
use dfota_core::log::stamp::{Base, DAY, SECOND, Stamp};

/// How many updates ended how.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogTally {
    /// Something illegal was heard.
    pub illegal: u64,
    /// Nothing illegal was heard.
    pub nothing_illegal: u64,
    /// How it ended was not heard.
    pub not_known: u64,
}

impl LogTally {
    pub fn take(&mut self, update: &LogUpdate) {
        *match update.outcome() {
            LogOutcome::Illegal => &mut self.illegal,
            LogOutcome::NothingIllegal => &mut self.nothing_illegal,
            LogOutcome::NotKnown => &mut self.not_known,
        } += 1;
    }

    pub fn all(&self) -> u64 {
        self.illegal + self.nothing_illegal + self.not_known
    }

    /// `Success`: nothing illegal was seen; `Failed`: something was; `Error`: there is no update in the log.
    pub fn exit(&self) -> ExitCode {
        match self {
            _ if self.illegal > 0 => ExitCode::Failed,
            _ if self.all() == 0 => ExitCode::Error,
            _ => ExitCode::Success,
        }
    }

    pub fn words(&self) -> String {
        let of = [
            (self.illegal, LogOutcome::Illegal, "illegal"),
            (
                self.nothing_illegal,
                LogOutcome::NothingIllegal,
                "with nothing illegal seen",
            ),
            (
                self.not_known,
                LogOutcome::NotKnown,
                "without an END, nothing illegal seen",
            ),
        ];
        let of = of.iter().filter(|(number, ..)| *number > 0);
        match self.all() {
            0 => "no update in it".into(),
            1 => format!(
                "1 update: {}",
                of.map(|(_, outcome, _)| outcome.words()).collect::<String>()
            ),
            all => {
                let parts: Vec<String> = of.map(|(number, _, words)| format!("{number} {words}")).collect();
                format!("{all} updates: {}", parts.join("; "))
            }
        }
    }
}

/// What was read: one sentence a line.
pub fn facts(reader: &LogReader) -> Vec<String> {
    let (read, fold, clock) = (reader.read(), reader.fold(), reader.clock());
    let mut facts = vec![format!(
        "{}, {}",
        count_of(read.lines, "line"),
        count_of(read.bytes, "byte")
    )];
    match clock.span() {
        Some((first, last)) => facts.push(format!(
            "from {} to {}, by its time stamps",
            moment(first),
            moment(last)
        )),
        None => facts.push("no time stamps, so no durations".into()),
    }
    let module = fold.model.as_deref().unwrap_or("its name was not heard");
    facts.push(format!("module: {module}; {}", count_of(fold.boots, "boot")));
    if let Some(model) = fold.model.as_deref().filter(|model| !is_known(model)) {
        facts.push(format!(
            "{model} is not a BC66 or BC66-NA: the rules are those of the application note for these two"
        ));
    }
    if clock.jumps() > 0 {
        let times = count_of(clock.jumps(), "time");
        facts.push(format!(
            "the time stamps went back {times}: the time lost there is unknown, and counts as zero"
        ));
    }
    if read.noise > 0 {
        facts.push(format!(
            "{} with bytes that are no text",
            count_of(read.noise, "line")
        ));
    }
    if read.long > 0 {
        let most = dfota_core::log::lines::PIECE;
        facts.push(format!(
            "{} longer than {most} bytes, read in pieces",
            count_of(read.long, "line")
        ));
    }
    if let Some(spoken) = fold.spoken {
        let lines = count_of(spoken.count, "line");
        facts.push(format!(
            "{lines} that only mention a URC, not counted (the first is line {})",
            spoken.first.line
        ));
    }
    facts
}

fn is_known(model: &str) -> bool {
    let models = bc66_spec::module::Module::ALL.map(bc66_spec::module::Module::ati_model);
    models.contains(&model)
}

/// A stamp as a person writes it.
fn moment(stamp: Stamp) -> String {
    let seconds = stamp.ns / SECOND;
    let fraction = format!("{:09}", stamp.ns % SECOND);
    let fraction = &fraction[..usize::from(stamp.digits.min(9))];
    let point = if fraction.is_empty() { "" } else { "." };
    let of_day = seconds % (DAY / SECOND);
    let time = format!(
        "{:02}:{:02}:{:02}{point}{fraction}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    );
    match stamp.base {
        Base::Start => format!("{seconds}{point}{fraction} s"),
        Base::Midnight => time,
        Base::Date => {
            let days = i64::try_from(seconds).ok();
            let date = days.and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
            date.map_or(time.clone(), |date| format!("{} {time}", date.date()))
        }
    }
}

/// When the steps of an update were, since its first; `None` where the log has no time stamps.
pub struct Times {
    first: u64,
    /// Digits behind the point: none where no stamp of the update has any.
    digits: usize,
}

impl Times {
    /// Of an update of which every step has its time.
    pub fn new(update: &LogUpdate) -> Option<Self> {
        let steps = update.steps.list().iter();
        let times: Option<Vec<u64>> = steps.flat_map(|step| [step.first.at, step.last.at]).collect();
        let times = times.filter(|times| !times.is_empty())?;
        let whole = times.iter().all(|time| time % SECOND == 0);
        Some(Self {
            first: times[0],
            digits: if whole { 0 } else { 3 },
        })
    }

    /// Seconds since the first step.
    pub fn seconds(&self, place: LogPlace) -> f64 {
        let since = place.at.unwrap_or(self.first).saturating_sub(self.first);
        since as f64 / SECOND as f64
    }

    /// The same in words.
    pub fn shown(&self, place: LogPlace) -> String {
        let digits = self.digits;
        format!("{:.digits$}", self.seconds(place))
    }

    /// How long something took, where that can be seen.
    pub fn took(&self, first: LogPlace, last: LogPlace) -> Option<String> {
        let (digits, took) = (self.digits, self.seconds(last) - self.seconds(first));
        (took > 0.0).then(|| format!("{took:.digits$} s"))
    }
}

/// The lines of an update in the log, and what is known of it.
pub fn title(update: &LogUpdate) -> String {
    let via = update
        .via
        .map_or("transport not known".into(), |via| format!("over {}", via.value));
    let from = update
        .from
        .as_ref()
        .map_or(String::new(), |from| format!(", from {}", from.value));
    format!(
        "lines {} to {}, {via}{from}",
        update.first().line,
        update.last.line
    )
}
