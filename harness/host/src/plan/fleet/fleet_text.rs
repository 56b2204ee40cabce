//! A plan for several rigs as text: the cases, and below them what each rig is expected to do.

use super::{Batch, ClaimQuota, FleetPlan, FleetRig};
use crate::plan::plan_text::{HANG, rough, write_cases, write_outlines, write_totals};
use crate::terminal::width::Width;
use dfota_record::count::count_of;
use std::fmt::{self, Write};

impl FleetPlan {
    /// The plan for a terminal that is so wide.
    pub fn text(&self, width: Width) -> String {
        let mut text = String::new();
        // A `String` takes everything.
        let _ = self.write(&mut text, width);
        width.hanging(HANG, &text)
    }

    fn write(&self, f: &mut String, width: Width) -> fmt::Result {
        let names: Vec<String> = self.rigs.iter().map(shown_name).collect();
        write!(f, "{}: {}", count_of(self.rigs.len(), "rig"), names.join(", "))?;
        if self.seed_given {
            writeln!(f, "; seed {}\n", self.seed)?;
        } else {
            writeln!(
                f,
                "\nno `--seed`: `run` draws one, so its random choices differ from these (seed {})\n",
                self.seed
            )?;
        }
        write_cases(f, &self.cases, width)?;
        write_totals(f, &self.totals)?;
        write_outlines(f, &self.campaigns, &self.warnings)?;
        if !self.batches.is_empty() {
            self.write_batches(f)?;
            self.write_shares(f)?;
        }
        self.write_standings(f)
    }

    fn write_batches(&self, f: &mut String) -> fmt::Result {
        let widest = self.batches.iter().map(|batch| batch.name.chars().count()).max();
        let widest = widest.unwrap_or(0).max("batch".len());
        writeln!(f, "\n{:widest$}  cases     real  rigs", "batch")?;
        for batch in &self.batches {
            let Batch {
                name, cases, real_ms, ..
            } = batch;
            writeln!(
                f,
                "{name:widest$}  {:>5}  {:>7}  {}",
                cases.len(),
                rough(*real_ms),
                self.rigs_of(batch)
            )?;
        }
        Ok(())
    }

    fn rigs_of(&self, batch: &Batch) -> String {
        if batch.rigs.len() == self.rigs.len() {
            return "any".to_owned();
        }
        let names = batch.rigs.iter().map(|rig| self.rigs[*rig].name.as_str());
        names.collect::<Vec<_>>().join(" ")
    }

    fn write_shares(&self, f: &mut String) -> fmt::Result {
        let widest = self.rigs.iter().map(|rig| rig.name.chars().count()).max();
        let widest = widest.unwrap_or(0).max("rig".len());
        writeln!(f, "\n{:widest$}  cases  updates     real  batches", "rig")?;
        for rig in &self.rigs {
            let FleetRig {
                name,
                cases,
                updates,
                real_ms,
                batches,
                ..
            } = rig;
            let batches = match &batches[..] {
                [] => "-".to_owned(),
                batches => batches.join(" "),
            };
            writeln!(
                f,
                "{name:widest$}  {cases:>5}  {updates:>7}  {:>7}  {batches}",
                rough(*real_ms)
            )?;
        }
        for ClaimQuota {
            suite,
            campaign,
            cuts,
            quota,
            had,
            ..
        } in self.quotas.iter().filter(|quota| quota.rigs > 1)
        {
            let cuts = count_of(*cuts, "cut");
            let had: Vec<String> = had
                .iter()
                .map(|(rig, cuts)| format!("{} has {cuts}", self.rigs[*rig].name))
                .collect();
            let had = match had.as_slice() {
                [] => "of them on one rig".to_owned(),
                some => format!("on one rig, with those of earlier runs: {}", some.join(", ")),
            };
            writeln!(
                f,
                "{suite}::{campaign}: {cuts} for the claim, at most {quota} {had}"
            )?;
        }
        writeln!(f, "all done after about {} real", rough(self.makespan_ms))
    }
}

impl FleetPlan {
    /// What has to be known of single rigs.
    fn write_standings(&self, f: &mut String) -> fmt::Result {
        for rig in &self.rigs {
            let told = rig.standing.as_ref().map(ToString::to_string);
            for line in told.iter().flat_map(|told| told.lines()) {
                writeln!(f, "rig {}: {line}", rig.name)?;
            }
        }
        Ok(())
    }
}

/// Name, module and speed of a rig.
fn shown_name(rig: &FleetRig) -> String {
    let FleetRig {
        name, module, speed, ..
    } = rig;
    if *speed == 1.0 {
        format!("{name} ({module})")
    } else {
        format!("{name} ({module}, speed {speed})")
    }
}
