//! The walk along the wires of a new bench: one stage after the other, each begun by the user, and done again until nothing
//! fails. Between two stages nothing is open: the lines are safe, and the rig is free for other commands.

use super::wiring_stage::{StageText, WiringStage};
use super::{Checked, Interrupted};
use crate::config::rig::{Link, Rig, Safe};
use crate::terminal::print;
use crate::terminal::prompt::{Prompt, PromptAnswer};
use dfota_core::rig_check::is_sound;
use std::time::Duration;

const BEGIN: &str = "Enter begins, q stops: ";
const AGAIN: &str = "Correct it. Enter repeats this step, q stops: ";

/// Why a walk ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkStopped {
    /// By the user, after so many steps were done.
    ByUser(usize),
    Interrupted,
}

impl From<Interrupted> for WalkStopped {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Walks; gives what was seen when each stage was sound. `look` reads the rig file again, which the user may have corrected,
/// and looks at a stage; without a result it could not look, and has said why. `boot` is the longest time from supply to RDY.
pub fn walk(
    prompt: &Prompt,
    rig: &mut Rig,
    boot: Duration,
    mut look: impl FnMut(&mut Rig, WiringStage) -> Result<Option<Checked>, Interrupted>,
) -> Result<Checked, WalkStopped> {
    print(between(rig));
    let mut all = Checked::default();
    for (done, stage) in WiringStage::ALL.into_iter().enumerate() {
        let text = stage.text(rig, boot);
        print(&heading(done, &text));
        let mut question = text.is_wired.then_some(BEGIN);
        loop {
            match question.map(|question| prompt.ask(question)) {
                None | Some(PromptAnswer::Go) => {}
                Some(PromptAnswer::Stop) => return Err(WalkStopped::ByUser(done)),
                Some(PromptAnswer::Interrupted) => return Err(WalkStopped::Interrupted),
            }
            let seen = look(rig, stage)?;
            if let Some(sound) = seen.filter(|seen| is_sound(&seen.checks)) {
                all.add(sound);
                break;
            }
            question = Some(AGAIN);
        }
    }
    Ok(all)
}

/// What is to be known before a wire is touched.
fn between(rig: &Rig) -> &'static str {
    match &rig.link {
        Link::Bench(bench) if bench.power.safe == Safe::On => {
            "`power.safe: on` leaves the supply on between two steps: switch it off by hand before you touch a wire\n"
        }
        _ => "between two steps the supply is off\n",
    }
}

/// What a step is about, and what to do for it.
fn heading(done: usize, text: &StageText) -> String {
    let mut heading = format!(
        "\nstep {} of {}: {}\n",
        done + 1,
        WiringStage::ALL.len(),
        text.title
    );
    if text.is_wired {
        for wire in &text.connect {
            heading += &format!("  connect  {wire}\n");
        }
        heading += &format!("  then     {}\n", text.see);
    }
    heading
}
