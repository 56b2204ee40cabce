//! A plan as aligned text, for `dfota-hil plan`.

use crate::plan::campaign::Outline;
use crate::plan::{Plan, Planned, Totals};
use crate::state::campaign_store::CampaignEnd;
use crate::terminal::width::Width;
use dfota_core::campaign::Slot;
use dfota_core::duration::Short;
use dfota_record::count::count_of;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Blanks before the rest of a line that a terminal cannot hold.
pub(super) const HANG: usize = 8;

/// Longest id that the columns are aligned to; a longer one pushes its own line.
const WIDEST: usize = 64;

impl Plan {
    /// The plan for a terminal that is so wide.
    pub fn text(&self, width: Width) -> String {
        let mut text = String::new();
        // A `String` takes everything.
        let _ = self.write(&mut text, width);
        width.hanging(HANG, &text)
    }

    fn write(&self, f: &mut String, width: Width) -> fmt::Result {
        write!(f, "rig {} ({}), speed {}", self.rig, self.module, self.speed)?;
        if self.seed_given {
            writeln!(f, ", seed {}\n", self.seed)?
        } else {
            writeln!(
                f,
                "\nno `--seed`: `run` draws one, so its random choices differ from these (seed {})\n",
                self.seed
            )?
        }
        write_cases(f, &self.cases, width)?;
        write_totals(f, &self.totals)?;
        write_outlines(f, &self.campaigns, &self.warnings)?;
        if let Some(standing) = &self.standing {
            write!(f, "{standing}")?;
        }
        Ok(())
    }
}

/// The table of the cases.
pub(super) fn write_cases(f: &mut String, cases: &[Planned], width: Width) -> fmt::Result {
    let rows: Vec<[String; 7]> = cases.iter().map(row).collect();
    let heads = ["case", "via", "module", "real", "at most", "updates", "needs"].map(str::to_owned);
    let widths: [usize; 7] = std::array::from_fn(|column| {
        let all = std::iter::once(&heads).chain(&rows);
        let widest = all.map(|row| row[column].chars().count()).max();
        widest.unwrap_or(0).min(WIDEST)
    });
    let widest = rows.iter().map(|row| text_of(row, &widths).chars().count()).max();
    let fits = width.holds(widest.unwrap_or(0));
    let line = |row| {
        if fits {
            text_of(row, &widths)
        } else {
            two_lines(row, &widths, width)
        }
    };
    writeln!(f, "{}", line(&heads))?;
    for (row, planned) in rows.iter().zip(cases) {
        writeln!(f, "{}", line(row))?;
        if let Some(why) = &planned.skip {
            writeln!(f, "    left out: {why}")?;
        }
        for cut in &planned.cuts {
            writeln!(f, "    cut {cut}")?;
        }
        if let Some(slot) = planned.case.slot().filter(|_| planned.cuts.is_empty()) {
            let Slot { place, kind, off, .. } = slot;
            writeln!(f, "    cut {place}/{}/{}", kind.name(), Short(*off))?;
        }
    }
    Ok(())
}

pub(super) fn write_totals(f: &mut String, totals: &Totals) -> fmt::Result {
    writeln!(
        f,
        "\n{}, {} left out; about {} of the module's time, {} real; at most {}",
        dfota_record::count::count_of(totals.cases, "case"),
        totals.skipped,
        rough(totals.module_ms),
        rough(totals.real_ms),
        count_of(totals.updates, "flash update")
    )
}

pub(super) fn write_outlines(f: &mut String, campaigns: &[Outline], warnings: &[String]) -> fmt::Result {
    for outline in campaigns {
        campaign(f, outline)?;
    }
    for warning in warnings {
        writeln!(f, "warning: {warning}")?;
    }
    Ok(())
}

/// A campaign in a few lines.
fn campaign(f: &mut String, outline: &Outline) -> fmt::Result {
    let Outline {
        suite,
        campaign,
        counted,
        directed,
        done,
        ..
    } = outline;
    writeln!(
        f,
        "campaign {suite}::{campaign}: {}, {counted} for the claim, {directed} directed; {done} done in earlier runs",
        count_of(counted + directed, "cut")
    )?;
    let counts = |counts: &BTreeMap<String, u32>| {
        let shown: Vec<String> = counts
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        shown.join(", ")
    };
    writeln!(f, "    by phase: {}", counts(&outline.by_phase))?;
    writeln!(f, "    by kind: {}", counts(&outline.by_kind))?;
    if let Some(claim) = &outline.claim {
        writeln!(f, "    claim: {claim}")?;
    }
    for CampaignEnd { run, verdict } in &outline.earlier {
        writeln!(
            f,
            "    an earlier campaign with the same files ended: {verdict}, in run `{run}`"
        )?;
    }
    if let Some(aside) = &outline.aside {
        writeln!(f, "    {aside}")?;
    }
    writeln!(f, "    times are {}", outline.times)
}

fn row(planned: &Planned) -> [String; 7] {
    let case = &planned.case;
    let run = |text: String| {
        if planned.skip.is_some() {
            "-".to_owned()
        } else {
            text
        }
    };
    [
        format!("{}::{}", case.suite, case.id),
        case.via.to_string(),
        run(rough(planned.module_ms)),
        run(rough(planned.real_ms)),
        run(rough(planned.bound_ms)),
        run(planned.updates.to_string()),
        planned.needs.join(" "),
    ]
}

/// Text to the left, figures to the right.
fn text_of(row: &[String; 7], widths: &[usize; 7]) -> String {
    let width = widths[0];
    format!("{:width$}  {}", row[0], figures(row, widths))
}

/// The same where a line cannot hold it: the id stands alone.
fn two_lines(row: &[String; 7], widths: &[usize; 7], width: Width) -> String {
    let below = width.hanging(HANG, &format!("    {}", figures(row, widths)));
    format!("{}\n{below}", row[0])
}

fn figures(row: &[String; 7], widths: &[usize; 7]) -> String {
    let [_, via, module, real, most, updates, needs] = row;
    let [_, w_via, w_module, w_real, w_most, w_updates, _] = widths;
    format!(
        "{via:w_via$}  {module:>w_module$}  {real:>w_real$}  {most:>w_most$}  {updates:>w_updates$}  {needs}"
    )
}

/// A time as a planner needs it: two figures.
pub(super) fn rough(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..10_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        10_000..60_000 => format!("{}s", ms / 1_000),
        60_000..3_600_000 => format!("{}m{:02}s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{}h{:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}
