//! The firmware update machine against clients that are sound, deaf, forgetful or wrong, in virtual time.

use bc66_spec::lwm2m::firmware::{STATE, UPDATE_RESULT};
use bc66_spec::lwm2m::{State, UpdateResult};
use dfota_core::lwm2m::{ClientEvent, FirmwareUpdate, Operation, UpdateEnding, UpdateOptions};
use dfota_core::verdict::{Class, Rule};
use rstest::rstest;
use std::time::Duration;

const URI: &str = "coap://h/p";

/// What is wrong with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wrong {
    #[default]
    Nothing,
    /// It sends no notification at all.
    NoNotifications,
    /// The result stays as it was when a download begins.
    ResultNotReset,
    /// Execute is accepted in state 1.
    ExecutesEarly,
    /// After the update the state is 2 and the result 0.
    NoResult,
    /// The download fails with this.
    DownloadFails,
    /// The update fails: state 2, result 8.
    UpdateFails,
    /// It reboots in the middle of the download and forgets it.
    RebootsInDownload,
    /// Answers to writes and executes get lost, once each.
    AnswersLost,
    /// It refuses the URI.
    RefusesUri,
    /// It can never be observed.
    NeverObserved,
    /// It can be observed as long as it has not rebooted, and sends no notification.
    NotObservedAgain,
    /// It keeps its registration over a reboot and updates it, listens for five seconds and sleeps for an hour.
    OnlyUpdates,
    /// The same, and it reboots in the middle of the download and forgets it.
    OnlyUpdatesAndForgets,
    /// It has no room for a second observation of what is observed, and updates its registration all the time.
    UpdatesAndRefusesObservations,
}

impl Wrong {
    fn only_updates(self) -> bool {
        matches!(self, Self::OnlyUpdates | Self::OnlyUpdatesAndForgets)
    }
}

/// A client and how its time passes.
struct Client {
    wrong: Wrong,
    state: i64,
    result: i64,
    observed: bool,
    lost: [bool; 2],
    /// What it does next, and when.
    plan: Vec<(u64, Step)>,
    register: bool,
    update: bool,
    reboots: u32,
    /// It listens until then.
    awake: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    State(i64),
    Result(i64),
    Served,
    Reboot,
}

impl Client {
    fn new(wrong: Wrong, state: i64, result: i64) -> Self {
        Self {
            wrong,
            state,
            result,
            observed: false,
            lost: [wrong == Wrong::AnswersLost; 2],
            plan: vec![],
            register: true,
            update: false,
            reboots: 0,
            awake: u64::MAX,
        }
    }

    fn takes_observations(&self) -> bool {
        match self.wrong {
            Wrong::NeverObserved => false,
            Wrong::NotObservedAgain => self.reboots == 0,
            Wrong::UpdatesAndRefusesObservations => !self.observed,
            _ => true,
        }
    }

    fn answer(&mut self, ask: Operation, now: u64) -> ClientEvent {
        let value = |resource, value| ClientEvent::Value {
            resource,
            value,
            notified: false,
        };
        match ask {
            Operation::Observe(resource) | Operation::Read(resource) => {
                self.observed |= matches!(ask, Operation::Observe(_)) && self.takes_observations();
                value(
                    resource,
                    if resource == STATE {
                        self.state
                    } else {
                        self.result
                    },
                )
            }
            Operation::Write(uri) if uri.is_empty() => {
                (self.state, self.result) = (0, 0);
                ClientEvent::Accepted(Operation::Write(uri))
            }
            Operation::Write(uri) if self.wrong == Wrong::RefusesUri => {
                ClientEvent::Refused(Operation::Write(uri), 400)
            }
            Operation::Write(uri) => {
                self.download(now);
                if std::mem::take(&mut self.lost[0]) {
                    ClientEvent::Unanswered(Operation::Write(uri))
                } else {
                    ClientEvent::Accepted(Operation::Write(uri))
                }
            }
            Operation::Execute if self.state == 2 || self.wrong == Wrong::ExecutesEarly => {
                self.update(now);
                if std::mem::take(&mut self.lost[1]) {
                    ClientEvent::Unanswered(Operation::Execute)
                } else {
                    ClientEvent::Accepted(Operation::Execute)
                }
            }
            Operation::Execute => ClientEvent::Refused(Operation::Execute, 405),
        }
    }

    fn download(&mut self, now: u64) {
        self.plan.push((now + 1, Step::State(1)));
        if self.wrong != Wrong::ResultNotReset {
            self.plan.push((now + 1, Step::Result(0)));
        }
        match self.wrong {
            Wrong::DownloadFails => {
                self.plan
                    .extend([(now + 20, Step::Result(4)), (now + 20, Step::State(0))]);
            }
            Wrong::RebootsInDownload | Wrong::OnlyUpdatesAndForgets => {
                self.wrong = match self.wrong {
                    Wrong::RebootsInDownload => Wrong::Nothing,
                    _ => Wrong::OnlyUpdates,
                };
                self.plan
                    .extend([(now + 20, Step::State(0)), (now + 20, Step::Reboot)]);
            }
            Wrong::ExecutesEarly => {}
            _ => self
                .plan
                .extend([(now + 40, Step::Served), (now + 41, Step::State(2))]),
        }
    }

    fn update(&mut self, now: u64) {
        self.plan.retain(|(_, step)| *step != Step::State(1));
        let end = match self.wrong {
            Wrong::NoResult => [Step::State(2), Step::Result(0)],
            Wrong::UpdateFails => [Step::State(2), Step::Result(8)],
            _ => [Step::State(0), Step::Result(1)],
        };
        self.plan.push((now, Step::State(3)));
        if self.wrong.only_updates() {
            self.awake = now;
            // What it comes to stands there after the reboot, and nobody observes it.
            self.plan.push((now + 100, Step::Reboot));
        }
        self.plan.extend(end.map(|step| (now + 100, step)));
        if !self.wrong.only_updates() {
            self.plan.push((now + 100, Step::Reboot));
        }
    }
}

/// Runs it for up to an hour; gives the update and the seconds it took.
#[expect(clippy::too_many_lines, reason = "a client in one loop")]
fn run(wrong: Wrong, state: i64, result: i64, script: UpdateOptions) -> (FirmwareUpdate, u64) {
    let mut update = FirmwareUpdate::new(script);
    let mut client = Client::new(wrong, state, result);
    let mut out = None;
    for now in 0..3600 {
        let at = Duration::from_secs(now);
        if std::mem::take(&mut client.register) {
            client.observed = false;
            update.on(ClientEvent::Registered, at);
        }
        let often = wrong == Wrong::UpdatesAndRefusesObservations && now % 7 == 3;
        let tells = std::mem::take(&mut client.update) || often;
        // A request that met a sleeper is given up in the end, and at once when it is known to listen.
        if let Some((_, ask)) = out.take_if(|(sent, _)| tells || *sent + 93 <= now) {
            update.on(ClientEvent::Unanswered(ask), at);
        }
        if tells {
            update.on(ClientEvent::Updated, at);
        }
        let (due, rest): (Vec<_>, Vec<_>) = client.plan.iter().partition(|(when, _)| *when <= now);
        client.plan = rest;
        for (_, step) in due {
            let told = match step {
                Step::State(value) => {
                    client.state = value;
                    // Whoever has something to tell listens for a while.
                    if value != 3 {
                        client.awake = client.awake.max(now + 5);
                    }
                    (STATE, value)
                }
                Step::Result(value) => {
                    client.result = value;
                    (UPDATE_RESULT, value)
                }
                Step::Served => {
                    update.on(ClientEvent::Served, at);
                    continue;
                }
                Step::Reboot if wrong.only_updates() => {
                    (client.update, client.observed, client.awake) = (true, false, now + 5);
                    continue;
                }
                Step::Reboot => {
                    client.register = true;
                    client.reboots += 1;
                    client.observed = false;
                    continue;
                }
            };
            let tells = !matches!(wrong, Wrong::NoNotifications | Wrong::NotObservedAgain);
            if client.observed && tells {
                let (resource, value) = told;
                let notified = true;
                update.on(
                    ClientEvent::Value {
                        resource,
                        value,
                        notified,
                    },
                    at,
                );
            }
        }
        update.on_time(at);
        while let Some(ask) = update.next_operation() {
            // Whoever loads does not sleep.
            if now > client.awake && client.state != 1 {
                out = Some((now, ask));
                break;
            }
            if let Operation::Observe(resource) = ask {
                let taken = client.takes_observations();
                update.on(ClientEvent::Observed { resource, taken }, at);
            }
            let heard = client.answer(ask, now);
            update.on(heard, at);
        }
        if update.ending().is_some() {
            return (update, now);
        }
    }
    (update, 3600)
}

fn rests(state: State, result: u8) -> UpdateEnding {
    UpdateEnding::Rests(state, UpdateResult::from_raw(result))
}

#[rstest]
#[case::sound(Wrong::Nothing, 0, 0)]
#[case::updated_before(Wrong::Nothing, 0, 1)]
#[case::failed_before(Wrong::Nothing, 0, 8)]
#[case::a_package_from_before(Wrong::Nothing, 2, 0)]
#[case::no_notifications(Wrong::NoNotifications, 0, 0)]
#[case::never_observed(Wrong::NeverObserved, 0, 0)]
#[case::reboots_in_download(Wrong::RebootsInDownload, 0, 0)]
#[case::answers_lost(Wrong::AnswersLost, 0, 0)]
#[case::only_updates(Wrong::OnlyUpdates, 0, 0)]
#[case::only_updates_after_a_failure(Wrong::OnlyUpdates, 0, 8)]
#[case::only_updates_and_forgets_the_download(Wrong::OnlyUpdatesAndForgets, 0, 0)]
#[case::updates_often(Wrong::UpdatesAndRefusesObservations, 0, 0)]
#[case::updates_often_after_a_failure(Wrong::UpdatesAndRefusesObservations, 0, 8)]
fn nothing_to_complain_about(#[case] wrong: Wrong, #[case] state: i64, #[case] result: i64) {
    let (update, took) = run(wrong, state, result, UpdateOptions::new(URI.into()));
    assert_eq!(
        (update.ending(), update.findings()),
        (Some(&rests(State::Idle, 1)), &[][..]),
        "{update:?}"
    );
    assert!(took < 400, "{took}");
}

#[rstest]
#[case::result_not_reset(Wrong::ResultNotReset, 1, Rule::ResultNotReset, rests(State::Idle, 1))]
#[case::not_observed_again(Wrong::NotObservedAgain, 0, Rule::ObserveRefused, rests(State::Idle, 1))]
#[case::no_result(Wrong::NoResult, 0, Rule::UpdateWithoutResult, rests(State::Downloaded, 0))]
fn illegal(#[case] wrong: Wrong, #[case] result: i64, #[case] rule: Rule, #[case] ending: UpdateEnding) {
    let (update, _) = run(wrong, 0, result, UpdateOptions::new(URI.into()));
    let rules: Vec<Rule> = update.findings().iter().map(|finding| finding.rule).collect();
    assert_eq!(
        (rules.as_slice(), update.ending()),
        (&[rule][..], Some(&ending)),
        "{update:?}"
    );
    assert_eq!(rule.class(), Class::Product);
}

#[test]
fn a_sentence_has_both_values_and_both_times() {
    let (update, _) = run(Wrong::ResultNotReset, 0, 1, UpdateOptions::new(URI.into()));
    assert_eq!(
        update.findings()[0].sentence,
        "`/5/0/5` was 1 (updated successfully) at 1.000 s while `/5/0/3` was 1 (Downloading) before and at 1.000 s; expected 0 from the beginning of the download on"
    );
}

#[rstest]
#[case::refused(Wrong::Nothing, &[])]
#[case::accepted(Wrong::ExecutesEarly, &[Rule::ExecuteTooEarly])]
fn an_early_order_must_be_refused(#[case] wrong: Wrong, #[case] expected: &[Rule]) {
    let script = UpdateOptions {
        execute_early: true,
        ..UpdateOptions::new(URI.into())
    };
    let (update, _) = run(wrong, 0, 0, script);
    let rules: Vec<Rule> = update.findings().iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, expected);
    assert!(
        update.ending().is_some_and(UpdateEnding::is_success),
        "{update:?}"
    );
}

/// What comes between the early execute and its answer, and in its place.
#[rstest]
#[case::at_once(&["accepted"], &[Rule::ExecuteTooEarly])]
#[case::registration_updated(&["updated", "accepted"], &[Rule::ExecuteTooEarly])]
#[case::answer_lost(&["unanswered", "updating"], &[Rule::ExecuteTooEarly])]
#[case::state_before_the_answer(&["updating", "accepted"], &[Rule::ExecuteTooEarly])]
#[case::served_meanwhile(&["served", "accepted", "updating"], &[])]
#[case::served_and_answer_lost(&["served", "unanswered", "updating"], &[])]
#[case::refused(&["refused"], &[])]
#[case::refused_and_updates(&["refused", "updating"], &[Rule::ObjectContradiction])]
fn an_early_order_and_its_answer(#[case] script: &[&str], #[case] expected: &[Rule]) {
    let mut update = FirmwareUpdate::new(UpdateOptions {
        execute_early: true,
        ..UpdateOptions::new(URI.into())
    });
    let told = |state: State| ClientEvent::Value {
        resource: STATE,
        value: i64::from(state as u8),
        notified: true,
    };
    let at = Duration::from_secs;
    update.on(ClientEvent::Registered, at(0));
    update.on(ClientEvent::Accepted(Operation::Write(URI.into())), at(1));
    update.on(told(State::Downloading), at(2));
    while update.next_operation().expect("an execute") != Operation::Execute {
        update.on(ClientEvent::Unanswered(Operation::Read(STATE)), at(2));
    }
    for (event, now) in script.iter().zip(3..) {
        let event = match *event {
            "accepted" => ClientEvent::Accepted(Operation::Execute),
            "unanswered" => ClientEvent::Unanswered(Operation::Execute),
            "refused" => ClientEvent::Refused(Operation::Execute, 405),
            "updated" => ClientEvent::Updated,
            "served" => ClientEvent::Served,
            "updating" => told(State::Updating),
            _ => panic!("unknown event `{event}`"),
        };
        update.on(event, at(now));
    }
    let rules: Vec<Rule> = update.findings().iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, expected, "{update:?}");
}

#[rstest]
#[case(Wrong::DownloadFails, rests(State::Idle, 4))]
#[case(Wrong::UpdateFails, rests(State::Downloaded, 8))]
#[case(Wrong::RefusesUri, UpdateEnding::Refused(Operation::Write(URI.into()), 400))]
fn failures_are_endings_and_not_illegal(#[case] wrong: Wrong, #[case] ending: UpdateEnding) {
    let (update, _) = run(wrong, 0, 0, UpdateOptions::new(URI.into()));
    assert_eq!(
        (update.ending(), update.findings()),
        (Some(&ending), &[][..]),
        "{update:?}"
    );
}

#[test]
fn steps_back_are_seen_when_they_are_told() {
    let mut update = FirmwareUpdate::new(UpdateOptions::new(URI.into()));
    let mut client = Client::new(Wrong::Nothing, 0, 0);
    let at = Duration::from_secs;
    let told = |value| ClientEvent::Value {
        resource: STATE,
        value,
        notified: true,
    };
    update.on(ClientEvent::Registered, at(0));
    while let Some(ask) = update.next_operation() {
        let heard = client.answer(ask, 0);
        update.on(heard, at(0));
    }
    for (second, value) in [(1, 1), (2, 2), (3, 1)] {
        update.on(told(value), at(second));
    }
    let finding = &update.findings()[0];
    assert_eq!(finding.rule, Rule::ObjectContradiction);
    assert_eq!(
        finding.sentence,
        "`/5/0/3` was notified as 1 (Downloading) at 3.000 s after 2 (Downloaded) at 2.000 s, and nothing was ordered in between; a download that is complete stays so"
    );
}

/// The answer to the execute is lost, and the client says twice that it updates: an update was ordered.
#[test]
fn an_order_whose_answer_was_lost_is_an_order() {
    let mut update = FirmwareUpdate::new(UpdateOptions::new(URI.into()));
    let mut client = Client::new(Wrong::Nothing, 0, 0);
    let at = Duration::from_secs;
    let told = |value| ClientEvent::Value {
        resource: STATE,
        value,
        notified: true,
    };
    update.on(ClientEvent::Registered, at(0));
    while let Some(ask) = update.next_operation() {
        let heard = client.answer(ask, 0);
        update.on(heard, at(0));
    }
    update.on(told(1), at(1));
    update.on(told(2), at(2));
    loop {
        match update.next_operation() {
            Some(Operation::Execute) => break,
            Some(Operation::Read(resource) | Operation::Observe(resource)) => {
                let value = if resource == STATE { 2 } else { 0 };
                let notified = false;
                update.on(
                    ClientEvent::Value {
                        resource,
                        value,
                        notified,
                    },
                    at(2),
                );
            }
            other => panic!("expected the execute, got {other:?}"),
        }
    }
    update.on(ClientEvent::Unanswered(Operation::Execute), at(12));
    update.on(told(3), at(13));
    update.on(told(3), at(14));
    while let Some(Operation::Read(resource) | Operation::Observe(resource)) = update.next_operation() {
        let value = if resource == STATE { 3 } else { 0 };
        update.on(
            ClientEvent::Value {
                resource,
                value,
                notified: false,
            },
            at(15),
        );
    }
    update.on(told(3), at(16));
    assert_eq!(update.findings(), []);
}
