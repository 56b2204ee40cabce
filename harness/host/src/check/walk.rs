//! The walk along the wires of a new bench: one stage after the other, each begun by whoever holds the wires, and done again
//! until nothing fails. It looks at nothing itself, and between two stages it has nothing open: the lines are safe, and the
//! rig is free for other commands.

use super::stage::Stage;
use super::{Checked, Interrupted};
use crate::config::rig::{Link, Rig, Safe};
use crate::terminal::print;
use crate::terminal::prompt::{Prompt, PromptAnswer};
use dfota_core::rig_check::is_sound;
use std::time::Duration;

const BEGIN: &str = "Enter begins, q stops: ";
const AGAIN: &str = "Mend that. Enter does this step again, q stops: ";

/// Why a walk did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Whoever was asked has stopped, before this step was done.
    Stopped(usize),
    Interrupted,
}

impl From<Interrupted> for Left {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Walks; gives what was seen where each stage was sound. `look` reads the rig file again, which may have been mended, and
/// looks at a stage; without a result it could look at nothing, and has said why. `boot` is the longest time from supply
/// to RDY.
pub fn walk(
    prompt: &Prompt,
    rig: &mut Rig,
    boot: Duration,
    mut look: impl FnMut(&mut Rig, Stage) -> Result<Option<Checked>, Interrupted>,
) -> Result<Checked, Left> {
    print(between(rig));
    let mut all = Checked::default();
    for (done, stage) in Stage::ALL.into_iter().enumerate() {
        print(&heading(done, stage, rig, boot));
        let mut question = stage.is_wired(rig).then_some(BEGIN);
        loop {
            match question.map(|question| prompt.ask(question)) {
                None | Some(PromptAnswer::Go) => {}
                Some(PromptAnswer::Stop) => return Err(Left::Stopped(done)),
                Some(PromptAnswer::Interrupted) => return Err(Left::Interrupted),
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
            "`power.safe: on` leaves the supply on between two steps: take it away by hand before you touch a wire\n"
        }
        _ => "between two steps the supply is off\n",
    }
}

/// What a step is about, and what to do for it.
fn heading(done: usize, stage: Stage, rig: &Rig, boot: Duration) -> String {
    let mut heading = format!("\nstep {} of {}: {}\n", done + 1, Stage::ALL.len(), stage.title());
    if !stage.is_wired(rig) {
        return heading;
    }
    for wire in stage.connect(rig) {
        heading += &format!("  connect  {wire}\n");
    }
    heading + &format!("  then     {}\n", stage.see(rig, boot))
}
