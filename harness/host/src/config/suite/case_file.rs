//! Reads one case of a suite with its matrix filled in, and checks that its parts go together.

use crate::config::suite::defaults::{Defaults, Packages, read_limits};
use crate::config::suite::fault_file::FaultFile;
use crate::config::suite::matrix;
use crate::config::suite::measure_file::MeasureFile;
use crate::config::suite::suite_keys::{CaseKeys, CutKeys, ExpectKeys, FaultsKeys, IdsKeys, UpdateKeys};
use crate::config::suite::suite_literals::{
    After, BlockSize, Code, Count, Cycles, IssueKey, Lwm2mResult, Lwm2mState, TestRailId,
};
use crate::config::suite::{LoadedPackage, SuiteCase};
use crate::config::yaml::literal::Mistake;
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::reader::{Binding, Bindings, Reader};
use dfota_core::case::{Case, Ids, Limits};
use dfota_core::cut::CutPlan;
use dfota_core::expect::{Expect, ExpectedObject};
use dfota_core::fault::Faults;
use dfota_core::moment::Moment;
use dfota_core::transport::Via;
use std::time::Duration;

/// The first percentage in the vendor's examples (AN §2.1.4, §3.1.2).
const FIRST_UPDATING: u8 = 20;

pub struct CaseFile<'r, 'd> {
    pub reader: &'r mut Reader<'d>,
    /// The case in the document.
    pub at: NodePath,
    pub suite: &'r str,
    pub packages: &'r Packages,
    /// What the suite says for all of them.
    pub defaults: &'r Defaults,
}

impl CaseFile<'_, '_> {
    /// The id and the case for one combination of the matrix; no case where something is wrong with it.
    pub fn case(&mut self, keys: &CaseKeys, values: Vec<Binding>) -> (String, Option<SuiteCase>) {
        let id = self.bind(keys, values);
        let via = self
            .reader
            .read(&self.at.key("update").key("via"), &keys.update.via);
        let package = self.package(&keys.update);
        let update = self.at.key("update");
        let on = self
            .reader
            .read_option(&update.key("on"), keys.update.on.as_ref());
        let block_size = self.block_size(&keys.update, via);
        let cut = keys.cut.as_ref().map(|keys| self.cut(keys, via));
        let campaign = self.campaign(keys, via);
        let expect = keys.expect.as_ref().map(|keys| self.expect(keys, via));
        let faults = keys.faults.as_ref().map(|keys| self.faults(keys, via));
        let limits = self.limits(keys);
        let anomalies = self
            .reader
            .read_option(&self.at.key("anomalies"), keys.anomalies.as_ref());
        let requirements = self.list("requirements", keys.requirements.as_deref());
        let tags = self.list("tags", keys.tags.as_deref());
        let ids = keys.ids.as_ref().map(|keys| self.ids(keys));
        let skip = self.reader.read_option(&self.at.key("skip"), keys.skip.as_ref());
        let document = self.reader.document();
        let place = format!("{}:{}", document.name(), document.line(&self.at.key("name")));
        let (Some(package), Some(via)) = (package, via) else {
            return (id, None);
        };
        let (cut, off_is_discharge) = match cut {
            None => (None, false),
            Some(None) => return (id, None),
            Some(Some((cut, off_is_discharge))) => (Some(cut), off_is_discharge),
        };
        let case = Case {
            id: id.clone(),
            suite: self.suite.to_owned(),
            place,
            on: on.unwrap_or_else(|| package.package.from.clone()),
            package: package.package.clone(),
            via,
            block_size,
            faults: faults.unwrap_or_default(),
            cut,
            expect: expect.unwrap_or_else(Expect::success),
            limits,
            retries: self.defaults.retries,
            anomalies: anomalies.unwrap_or(self.defaults.anomalies),
            measures: Vec::new(),
            requirements,
            tags,
            ids: ids.unwrap_or_default(),
            part: None,
        };
        let case = self.with_measures(keys, case);
        let case = SuiteCase {
            case,
            off_is_discharge,
            skip,
            campaign,
        };
        (id, Some(case))
    }

    fn faults(&mut self, keys: &FaultsKeys, via: Option<Via>) -> Faults {
        let mut faults = FaultFile {
            reader: self.reader,
            at: self.at.key("faults"),
            via: (via, self.at.key("update").key("via")),
        };
        faults.faults(keys)
    }

    fn limits(&mut self, keys: &CaseKeys) -> Limits {
        let default = self.defaults.limits;
        let limits = read_limits(self.reader, &self.at.key("limits"), keys.limits.as_ref(), default);
        let confirm = self
            .reader
            .read_option(&self.at.key("confirm"), keys.confirm.as_ref());
        Limits {
            confirm: confirm.map_or(limits.confirm, |Cycles(cycles)| cycles),
            ..limits
        }
    }

    /// Puts the values in force, and makes the id of them.
    fn bind(&mut self, keys: &CaseKeys, values: Vec<Binding>) -> String {
        let at = self.at.key("name");
        let bindings = |case: String, values: &[Binding]| Bindings {
            case,
            values: values.to_vec(),
        };
        self.reader.bind(bindings(keys.name.text().to_owned(), &values));
        let name = self.reader.read(&at, &keys.name).unwrap_or_default();
        let id = matrix::id(&name, &values);
        if !name.is_empty() && id.starts_with(['[', '\0']) || (id.is_empty() && !name.is_empty()) {
            let why = Mistake::new("expected at least one letter or digit: ids are made of names");
            self.reader.mistake(&at, why);
        }
        self.reader.bind(bindings(id.clone(), &values));
        id
    }

    fn ids(&mut self, keys: &IdsKeys) -> Ids {
        let at = self.at.key("ids");
        let testrail = self
            .reader
            .read_option(&at.key("testrail"), keys.testrail.as_ref());
        let xray = self.reader.read_option(&at.key("xray"), keys.xray.as_ref());
        let covers = keys.xray_requirements.as_deref().unwrap_or_default();
        let covers: Vec<IssueKey> = self.reader.read_list(&at.key("xray-requirements"), covers);
        Ids {
            testrail: testrail.map(|TestRailId(id)| id),
            xray: xray.map(|IssueKey(key)| key),
            xray_requirements: covers.into_iter().map(|IssueKey(key)| key).collect(),
        }
    }

    fn list(&mut self, key: &str, raws: Option<&[crate::config::yaml::raw::Raw<String>]>) -> Vec<String> {
        self.reader.read_list(&self.at.key(key), raws.unwrap_or_default())
    }

    fn package(&mut self, keys: &UpdateKeys) -> Option<LoadedPackage> {
        let at = self.at.key("update").key("package");
        let name = self.reader.read(&at, &keys.package)?;
        match self.packages.iter().find(|(known, _)| *known == name) {
            Some((_, package)) => package.clone(),
            None => {
                let names: Vec<&str> = self.packages.iter().map(|(name, _)| name.as_str()).collect();
                let mut why = Mistake::none_of(&name, "a package of this suite", &names);
                if names.is_empty() {
                    why.help = Some("the suite has no `packages`".to_owned());
                }
                self.reader.mistake(&at, why);
                None
            }
        }
    }

    fn block_size(&mut self, keys: &UpdateKeys, via: Option<Via>) -> u16 {
        let at = self.at.key("update").key("block_size");
        let size = self.reader.read_option(&at, keys.block_size.as_ref());
        if let (Some(_), Some(via @ (Via::Http | Via::Coap))) = (size, via) {
            self.other_transport(&at, via, "blocks are of an upload");
        }
        size.map_or(Case::BLOCK_SIZE, |BlockSize(size)| size)
    }

    /// Notes a key that the case's transport does not have.
    fn other_transport(&mut self, at: &NodePath, via: Via, why: &str) {
        let why = Mistake::new(format!("has no meaning in a case via `{via}`: {why}"))
            .label(format!("not via `{via}`"));
        self.reader
            .key_mistake(at, why.because(self.at.key("update").key("via")));
    }

    fn with_measures(&mut self, keys: &CaseKeys, case: Case) -> Case {
        let mut file = MeasureFile {
            at: self.at.key("measure"),
            reader: self.reader,
        };
        let own = keys
            .measure
            .as_ref()
            .map_or(Vec::new(), |keys| file.declared(keys));
        let campaign = keys.sweep.is_some() || keys.claim.is_some();
        let measures = file.of_case(&case, campaign, own, &self.defaults.measures);
        Case { measures, ..case }
    }

    /// The cut, and whether the rig says how long it lasts.
    fn cut(&mut self, keys: &CutKeys, via: Option<Via>) -> Option<(CutPlan, bool)> {
        let path = self.at.key("cut");
        let at = self.reader.read(&path.key("at"), &keys.at);
        let after = self.reader.read_option(&path.key("after"), keys.after.as_ref());
        let off = self.reader.read_option(&path.key("off"), keys.off.as_ref());
        let kind = self.reader.read_option(&path.key("kind"), keys.kind.as_ref());
        let times = self.reader.read_option(&path.key("times"), keys.times.as_ref());
        if off == Some(Duration::ZERO) {
            let why = Mistake::new("a cut of no length is none");
            self.reader.mistake(&path.key("off"), why);
        }
        let at = at?;
        self.moment(&path.key("at"), at, via);
        let after = after.unwrap_or(After {
            min: Duration::ZERO,
            max: Duration::ZERO,
        });
        let plan = CutPlan {
            at,
            after_min: after.min,
            after_max: after.max,
            off: off.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            times: times.map_or(1, |Count(times)| times),
        };
        Some((plan, off.is_none()))
    }

    /// Whether the transport has this moment at all.
    pub(super) fn moment(&mut self, at: &NodePath, moment: Moment, via: Option<Via>) {
        let Some(via) = via else {
            return;
        };
        if !moment.comes_via(via) {
            let help = match moment {
                Moment::HttpStart => "a download over HTTP alone has it",
                Moment::CoapStart => "a download over CoAP alone has it",
                Moment::Downloading(_) => "what is uploaded is not downloaded; see `upload block N`",
                _ => "what is downloaded is not uploaded; see `downloading N%`",
            };
            let why = Mistake::new(format!("`{moment}` never comes in a case via `{via}`"))
                .label(format!("not via `{via}`"))
                .help(help);
            self.reader
                .mistake(at, why.because(self.at.key("update").key("via")));
        }
        if let Moment::Updating(percent) = moment
            && percent.get() < FIRST_UPDATING
        {
            let what = format!(
                "a cut at `{moment}`: UPDATING starts at {FIRST_UPDATING}% in the vendor's examples, so this one \
                 falls on the first percentage there is"
            );
            self.reader.warn(at, &what);
        }
    }

    fn expect(&mut self, keys: &ExpectKeys, via: Option<Via>) -> Expect {
        let at = self.at.key("expect");
        let code = |code: Code| code.0;
        let expect = Expect {
            reply: self.reader.read_option(&at.key("reply"), keys.reply.as_ref()),
            download: self
                .reader
                .read_option(&at.key("download"), keys.download.as_ref())
                .map(code),
            update: self
                .reader
                .read_option(&at.key("update"), keys.update.as_ref())
                .map(code),
            version: self.reader.read_option(&at.key("version"), keys.version.as_ref()),
            lwm2m: keys.lwm2m.as_ref().map(|keys| {
                let at = at.key("lwm2m");
                let state = self.reader.read_option(&at.key("state"), keys.state.as_ref());
                let result = self.reader.read_option(&at.key("result"), keys.result.as_ref());
                ExpectedObject {
                    state: state.map(|Lwm2mState(state)| state),
                    result: result.map(|Lwm2mResult(result)| result),
                }
            }),
        };
        match via {
            Some(via @ Via::Uart) if expect.download.is_some() => {
                self.other_transport(&at.key("download"), via, "what is uploaded is not downloaded");
            }
            Some(via @ Via::Coap) if expect.reply.is_some() => {
                self.other_transport(&at.key("reply"), via, "the order is no AT command");
            }
            _ => {}
        }
        if let (Some(via @ (Via::Http | Via::Uart)), Some(_)) = (via, expect.lwm2m) {
            self.other_transport(&at.key("lwm2m"), via, "LwM2M orders updates over CoAP alone");
        }
        expect
    }
}
