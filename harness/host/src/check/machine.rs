//! This machine's part of a rig: its clock and its disk.

use super::{fail, ok};
use dfota_core::rig_check::{Check, CheckOutcome, Probe};
use dfota_record::folders::free;
use dfota_record::retention::growth::{self, DiskSample};
use dfota_record::shell_word::shell_word;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::utc_datetime;

/// A clock that is before this moment is wrong: the program was written then.
const WRITTEN: UtcDateTime = utc_datetime!(2026-11-01 0:00);
/// Wall clock and monotonic clock may differ by so much over a check: the wall clock is slewed, not stepped.
const STEP: Duration = Duration::from_secs(1);
/// Room for the journal of a night: about 100 KB for a case, and a thousand of them.
pub const ROOM: u64 = 100_000_000;
/// Within this time a disk that gets full is worth a warning.
const SOON: Duration = Duration::from_secs(30 * 86_400);
/// Made by systemd-timesyncd as soon as the clock was set by the network.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    wall: SystemTime,
    monotonic: Instant,
}

impl ClockReading {
    pub fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    /// By how much the wall clock was set since, either way.
    fn stepped(&self, now: &Self) -> Duration {
        let real = now.monotonic.saturating_duration_since(self.monotonic);
        match now.wall.duration_since(self.wall) {
            Ok(seen) => seen.abs_diff(real),
            Err(back) => back.duration() + real,
        }
    }
}

/// The clock is not before this program, and has not been set since `started`.
pub fn clock(started: Option<ClockReading>) -> Check {
    let program = std::fs::metadata(crate::program::running()).and_then(|file| file.modified());
    clock_at(
        ClockReading::now(),
        started,
        program.ok(),
        Path::new(SYNCHRONISED).exists(),
    )
}

fn clock_at(
    now: ClockReading,
    started: Option<ClockReading>,
    program: Option<SystemTime>,
    synchronised: bool,
) -> Check {
    const ADVICE: &str = "wait for NTP, or set the clock: the journal's times are evidence";
    let written = UNIX_EPOCH + Duration::from_secs(WRITTEN.unix_timestamp().unsigned_abs());
    let floor = program.map_or(written, |program| program.max(written));
    let shown = second(now.wall);
    if now.wall < floor {
        let seen = format!("{shown}, but this program dates from {}", second(floor));
        return fail(Probe::Clock, seen, ADVICE);
    }
    let stepped = started.map_or(Duration::ZERO, |started| started.stepped(&now));
    if stepped > STEP {
        let seen = format!(
            "{shown}; it was set by {:.1} s during this check",
            stepped.as_secs_f64()
        );
        return fail(Probe::Clock, seen, ADVICE);
    }
    let source = if synchronised {
        "set by the network"
    } else {
        "its time source is unknown"
    };
    ok(Probe::Clock, format!("{shown}, {source}"))
}

fn second(at: SystemTime) -> String {
    let at = UtcDateTime::from(at);
    let whole = at.replace_nanosecond(0).unwrap_or(at);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// There is room where `folder` is, or will be made; `samples` say how much there was after earlier runs.
pub fn disk(folder: &Path, samples: &[DiskSample]) -> Check {
    let shown = folder.display();
    match free(folder) {
        Ok(free) => {
            let mut check = room(&shown.to_string(), free);
            if let (CheckOutcome::Ok, Some(warning)) = (check.outcome, warning(free, samples)) {
                check.seen = format!("{}; WARNING: {warning}", check.seen);
                check.advice = Some(format!(
                    "`dfota-hil prune {} --keep 30 --pack` removes old runs and packs the others; add `--dry-run` to see the effect first",
                    shell_word(&shown.to_string())
                ));
            }
            check
        }
        Err(why) => fail(
            Probe::Disk,
            format!("`{shown}`: {why}"),
            "reports and state cannot be written there",
        ),
    }
}

/// When the disk will be full, if that is soon.
fn warning(free: u64, samples: &[DiskSample]) -> Option<String> {
    let a_day = growth::a_day(samples)?;
    let left = growth::lasts(free, ROOM, a_day);
    let days = left.as_secs() / 86_400;
    (left < SOON).then(|| {
        format!(
            "by the {} runs of the last days it shrinks by {:.0} MB a day: full in {days} day{}",
            samples.len(),
            (a_day / 1e6).ceil(),
            if days == 1 { "" } else { "s" }
        )
    })
}

fn room(shown: &str, free: u64) -> Check {
    let seen = format!("{} MB free for `{shown}`", free / 1_000_000);
    if free >= ROOM {
        return ok(Probe::Disk, seen);
    }
    let seen = format!("{seen}, expected {} MB", ROOM / 1_000_000);
    fail(
        Probe::Disk,
        seen,
        "remove old run folders, or name others with `--out` and `--state-dir`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(wall: UtcDateTime) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(wall.unix_timestamp().unsigned_abs())
    }

    #[rstest]
    #[case::of_today(at(WRITTEN) + DAY, None, 0.0, CheckOutcome::Ok)]
    #[case::a_pi_without_a_battery(UNIX_EPOCH + DAY, None, 0.0, CheckOutcome::Fail)]
    #[case::before_the_program(at(WRITTEN) + DAY, Some(at(WRITTEN) + DAY * 2), 0.0, CheckOutcome::Fail)]
    #[case::slewed(at(WRITTEN) + DAY, None, 0.5, CheckOutcome::Ok)]
    #[case::set_forward(at(WRITTEN) + DAY, None, 30.0, CheckOutcome::Fail)]
    #[case::set_back(at(WRITTEN) + DAY, None, -30.0, CheckOutcome::Fail)]
    fn clocks(
        #[case] wall: SystemTime,
        #[case] program: Option<SystemTime>,
        #[case] set_by: f64,
        #[case] expected: CheckOutcome,
    ) {
        let started = ClockReading {
            wall,
            monotonic: Instant::now(),
        };
        let passed = Duration::from_secs(5);
        let set = Duration::from_secs_f64(set_by.abs());
        let wall = wall + passed;
        let now = ClockReading {
            wall: if set_by < 0.0 { wall - set } else { wall + set },
            monotonic: started.monotonic + passed,
        };
        let check = clock_at(now, Some(started), program, false);
        assert_eq!(check.outcome, expected, "{check}");
    }

    #[rstest]
    #[case(ROOM, CheckOutcome::Ok)]
    #[case(ROOM - 1, CheckOutcome::Fail)]
    fn rooms(#[case] free: u64, #[case] expected: CheckOutcome) {
        assert_eq!(room("reports", free).outcome, expected);
    }

    #[rstest]
    #[case::soon(900_000_000, 40_000_000, Some("shrinks by 40 MB a day: full in 20 days"))]
    #[case::tomorrow(145_000_000, 40_000_000, Some("full in 1 day"))]
    #[case::not_this_month(2_000_000_000, 40_000_000, None)]
    #[case::steady(900_000_000, 0, None)]
    fn warnings(#[case] free: u64, #[case] night: u64, #[case] expected: Option<&str>) {
        let nights = |n: u64| DiskSample {
            at: n as i64 * 86_400,
            free: 10_000_000_000 - n * night,
        };
        let samples: Vec<DiskSample> = (0..5).map(nights).collect();
        let seen = warning(free, &samples);
        match expected {
            None => assert_eq!(seen, None),
            Some(expected) => assert!(
                seen.as_deref().is_some_and(|seen| seen.ends_with(expected)),
                "{seen:?}"
            ),
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_where_it_will_be() {
        let folder = std::env::temp_dir().join("not/there/yet");
        assert!(disk(&folder, &[]).seen.contains("MB"), "{}", disk(&folder, &[]));
        assert!(disk(Path::new("reports/not-there"), &[]).seen.contains("MB"));
    }
}
