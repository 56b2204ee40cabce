//! Why a rig cannot run a case, as far as files tell.

use crate::config::rig::{Link, Rig};
use crate::config::suite::rig_demand::{RigDemand, RigMisfit};
use crate::plan::near_miss;
use dfota_core::case::Case;
use dfota_core::cut::CutKind;
use dfota_core::transport::Via;
use std::fmt;

/// Names that are listed in a reason; the rest is counted.
const LISTED: usize = 3;

/// What a rig lacks for a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RigLack {
    /// The suite asks for another rig.
    Suite(RigMisfit),
    /// A server of this key.
    Server(&'static str),
    /// The line for a cut of this kind.
    Reset(CutKind),
}

impl RigLack {
    /// What `rig` lacks for a case of a suite that asks for `demand`.
    pub(super) fn find(demand: &RigDemand, rig: &Rig, case: &Case) -> Option<Self> {
        if let Some(misfit) = demand.misfit(rig) {
            return Some(Self::Suite(misfit));
        }
        if let Link::Bench(_) = &rig.link {
            let network = &rig.network;
            let server = match case.via {
                Via::Http => network.http.is_none().then_some("network.http"),
                Via::Coap => network.coap.is_none().then_some("network.coap"),
                Via::Uart => None,
            };
            if let Some(key) = server {
                return Some(Self::Server(key));
            }
        }
        let slot = case.slot().map(|slot| slot.kind);
        let kind = case.cut.as_ref().map(|cut| cut.kind).or(slot);
        let kind = kind.filter(|kind| *kind != CutKind::Power);
        kind.filter(|_| !rig.has_reset()).map(Self::Reset)
    }

    /// What the suite probably meant, where none of these rigs has what it names.
    fn meant<'r>(&self, rigs: &'r [Rig]) -> Option<&'r str> {
        match self {
            Self::Suite(RigMisfit::Name(name)) => {
                near_miss::rig_name(name, rigs.iter().map(|rig| rig.name.as_str()))
            }
            Self::Suite(RigMisfit::Label(label)) => {
                near_miss::label(label, rigs.iter().flat_map(|rig| &rig.labels).map(String::as_str))
            }
            Self::Suite(RigMisfit::Module(_)) | Self::Server(_) | Self::Reset(_) => None,
        }
    }

    /// As the reason why the one rig of a run cannot run a case.
    fn of_the_rig(&self) -> String {
        match self {
            Self::Suite(RigMisfit::Name(name)) => format!("the suite is for the rig `{name}`"),
            Self::Suite(misfit) => format!("the rig has {misfit}, which the suite needs"),
            Self::Server(key) => format!("the rig has no `{key}`"),
            Self::Reset(kind) => format!(
                "a cut of kind `{}` needs `reset`, which the rig does not have",
                kind.name()
            ),
        }
    }

    /// The same where every rig of a run lacks it.
    fn of_every_rig(&self) -> String {
        match self {
            Self::Suite(RigMisfit::Name(name)) => format!("no rig of this run is named `{name}`"),
            Self::Suite(RigMisfit::Module(module)) => {
                format!(
                    "no rig of this run has module `{}`",
                    crate::config::rig::module_word(*module)
                )
            }
            Self::Suite(RigMisfit::Label(label)) => format!("no rig of this run has label `{label}`"),
            Self::Server(key) => format!("no rig of this run has `{key}`"),
            Self::Reset(kind) => format!(
                "a cut of kind `{}` needs `reset`, which no rig of this run has",
                kind.name()
            ),
        }
    }
}

/// In a word: `no label `sense``.
impl fmt::Display for RigLack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suite(misfit) => misfit.fmt(f),
            Self::Server(key) => write!(f, "no `{key}`"),
            Self::Reset(_) => f.write_str("no `reset`"),
        }
    }
}

/// Why none of these rigs can run the case; `None` if one can.
pub(super) fn left_to_nobody(demand: &RigDemand, rigs: &[Rig], case: &Case) -> Option<String> {
    let mut lacks: Vec<(RigLack, Vec<&str>)> = Vec::new();
    for rig in rigs {
        let lack = RigLack::find(demand, rig, case)?;
        match lacks.iter_mut().find(|(known, _)| *known == lack) {
            Some((_, names)) => names.push(&rig.name),
            None => lacks.push((lack, vec![&rig.name])),
        }
    }
    let why = match (&lacks[..], rigs) {
        ([], _) => return None,
        ([(lack, _)], [_]) => lack.of_the_rig(),
        ([(lack, _)], _) => lack.of_every_rig(),
        _ => {
            let each: Vec<String> = lacks
                .iter()
                .map(|(lack, names)| format!("{}: {lack}", listed(names)))
                .collect();
            format!("no rig of this run fits ({})", each.join("; "))
        }
    };
    let meant = lacks.iter().find_map(|(lack, _)| lack.meant(rigs));
    Some(match meant {
        Some(meant) => format!("{why}: did you mean `{meant}`?"),
        None => why,
    })
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().checked_sub(LISTED) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}
