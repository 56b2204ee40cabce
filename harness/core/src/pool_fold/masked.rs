//! Modules of a masked run. Its reports show no IMEI, and whoever reads them has to come to the same verdicts. So its claims are judged
//! without what is hidden. Where that made one module of several, the run says so, and the claim is open.

use super::PoolFold;
use crate::event::RunStarted;
use crate::version::Imei;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Digits that name the type of the module, and that the mask shows.
const SHOWN: usize = 8;

#[derive(Debug, Clone, Default)]
pub(super) struct MaskedModules {
    is_masked: bool,
    /// Full names are wanted also of a masked run.
    in_full: bool,
    /// Every IMEI that was said on each rig, now and in earlier runs.
    said: BTreeMap<String, BTreeSet<String>>,
    /// The last one, by rig.
    present: BTreeMap<String, Imei>,
    /// Rigs that had several modules, as the run says.
    hidden: BTreeSet<String>,
}

impl MaskedModules {
    pub(super) fn begin(&mut self, started: &RunStarted) {
        self.is_masked |= started.masked;
    }

    /// The run says that these rigs had several modules.
    pub(super) fn hide(&mut self, rigs: &[String]) {
        self.hidden.extend(rigs.iter().cloned());
    }

    pub(super) fn are_hidden_on(&self, rig: &str) -> bool {
        self.hidden.contains(rig)
    }

    /// The module that the rig had last, by its full name.
    pub(super) fn present(&self, rig: &str) -> Option<&Imei> {
        self.present.get(rig)
    }

    /// A module said who it is. Gives what it is judged by.
    pub(super) fn said(&mut self, rig: &str, imei: &Imei) -> Imei {
        self.present.insert(rig.to_string(), imei.clone());
        self.note(rig, imei.as_str());
        Imei::try_from(self.shown(imei.as_str())).unwrap_or_else(|_| imei.clone())
    }

    /// A module of an earlier run, as [`super::module_key`] has it. Gives what it is judged by.
    pub(super) fn heard(&mut self, module: &str) -> String {
        let Some((rig, imei)) = module.rsplit_once('/') else {
            return module.to_string();
        };
        self.note(rig, imei);
        format!("{rig}/{}", self.shown(imei))
    }

    fn note(&mut self, rig: &str, imei: &str) {
        if !imei.is_empty() {
            self.said
                .entry(rig.to_string())
                .or_default()
                .insert(imei.to_string());
        }
    }

    fn shown(&self, imei: &str) -> String {
        if !self.is_masked || self.in_full {
            return imei.to_string();
        }
        let digits = imei.chars().enumerate();
        digits
            .map(|(at, digit)| if at < SHOWN { digit } else { '*' })
            .collect()
    }
}

impl PoolFold {
    /// One that keeps the full names of modules also in a masked run: for what later runs are told.
    pub fn in_full() -> Self {
        let mut fold = Self::default();
        fold.masked.in_full = true;
        fold
    }

    /// Of a masked run, by its journal as it was written: rigs that had several modules.
    pub fn modules_to_hide(&self) -> Vec<String> {
        let MaskedModules { is_masked, said, .. } = &self.masked;
        let several = said.iter().filter(|(_, imeis)| *is_masked && imeis.len() > 1);
        several.map(|(rig, _)| rig.clone()).collect()
    }
}
