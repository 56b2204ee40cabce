//! Reads one case of a suite with its matrix filled in, and checks that its parts go together.

use crate::config::suite::defaults::{Defaults, Packages, read_limits};
use crate::config::suite::fault_file::FaultFile;
use crate::config::suite::matrix;
use crate::config::suite::measure_file::MeasureFile;
use crate::config::suite::suite_keys::{CaseKeys, CutKeys, ExpectKeys, IdsKeys, UpdateKeys};
use crate::config::suite::transport::Transport;
use crate::config::suite::{LoadedPackage, SuiteCase};
use crate::config::yaml::literal::InvalidValue;
use crate::config::yaml::reader::{Binding, Bindings, ValueReader};
use dfota_core::case::{Case, Ids, Limits};
use dfota_core::cut::CutPlan;
use dfota_core::expect::{Expect, ExpectedObject};
use dfota_core::measure::MeasureLimits;
use dfota_core::transport::Via;

pub struct CaseFile<'r, 'd> {
    pub reader: &'r mut ValueReader<'d>,
    pub keys: &'r CaseKeys,
    pub transport: Transport,
    pub packages: &'r Packages,
    pub defaults: &'r Defaults,
}

impl CaseFile<'_, '_> {
    /// The case with this id; none where something is wrong with it.
    pub fn case(&mut self, id: &str) -> Option<SuiteCase> {
        let keys = self.keys;
        let package = self.package(&keys.update);
        let on = self.reader.option(&keys.update.on);
        let block_size = self.block_size(&keys.update);
        let cut = keys.cut.as_ref().map(|keys| self.cut(keys));
        let campaign = self.campaign();
        let expect = keys.expect.as_ref().map(|keys| self.expect(keys));
        let faults = keys.faults.as_ref().map(|keys| {
            FaultFile {
                reader: self.reader,
                transport: self.transport,
            }
            .faults(keys)
        });
        let limits = self.limits();
        let anomalies = self.reader.option(&keys.anomalies);
        let requirements = self
            .reader
            .list(keys.requirements.iter().flat_map(|list| list.iter()));
        let tags = self.reader.list(keys.tags.iter().flat_map(|list| list.iter()));
        let ids = keys.ids.as_ref().map(|keys| self.ids(keys));
        let skip = self.reader.option(&keys.skip);
        let document = self.reader.document();
        let line = document.line_and_column(keys.name.at).0;
        let (package, via) = (package?, self.transport.via?);
        let case = Case {
            id: id.to_owned(),
            suite: self.defaults.suite.clone(),
            place: format!("{}:{line}", document.name()),
            on: on.unwrap_or_else(|| package.package.from.clone()),
            package: package.package,
            via,
            block_size,
            faults: faults.unwrap_or_default(),
            cut: cut.map_or(Some(None), |cut| cut.map(Some))?,
            expect: expect.unwrap_or_else(Expect::success),
            limits,
            retries: self.defaults.retries,
            anomalies: anomalies.unwrap_or(self.defaults.anomalies),
            measures: Vec::new(),
            requirements,
            tags,
            ids: ids.unwrap_or_default(),
            part: None,
            rig: None,
        };
        let measures = self.measures(&case);
        Some(SuiteCase {
            case: Case { measures, ..case },
            off_is_discharge: keys.cut.as_ref().is_some_and(|cut| cut.off.is_none()),
            skip,
            campaign,
        })
    }

    fn limits(&mut self) -> Limits {
        let limits = read_limits(self.reader, self.keys.limits.as_ref(), self.defaults.limits);
        let confirm = self.reader.option(&self.keys.confirm);
        Limits {
            confirm: confirm.unwrap_or(limits.confirm),
            ..limits
        }
    }

    fn ids(&mut self, keys: &IdsKeys) -> Ids {
        let covers = keys.xray_requirements.iter().flat_map(|list| list.iter());
        Ids {
            testrail: self.reader.option(&keys.testrail),
            xray: self.reader.option(&keys.xray),
            xray_requirements: self.reader.list(covers),
        }
    }

    fn package(&mut self, keys: &UpdateKeys) -> Option<LoadedPackage> {
        let name = self.reader.read(&keys.package)?;
        if let Some((_, package)) = self.packages.iter().find(|(known, _)| *known == name) {
            return package.clone();
        }
        let names: Vec<&str> = self.packages.iter().map(|(name, _)| name.as_str()).collect();
        let mut why = InvalidValue::none_of(&name, "a package of this suite", &names);
        if names.is_empty() {
            why = why.help("the suite has no `packages`");
        }
        self.reader.mistake(keys.package.at, why);
        None
    }

    fn block_size(&mut self, keys: &UpdateKeys) -> u16 {
        let size = keys.block_size.as_ref();
        let vias = [Via::Http, Via::Coap];
        self.transport.refuses(
            self.reader,
            size.map(|raw| raw.at),
            &vias,
            "only an upload has blocks",
        );
        self.reader.option(&keys.block_size).unwrap_or(Case::BLOCK_SIZE)
    }

    fn measures(&mut self, case: &Case) -> Vec<MeasureLimits> {
        let mut file = MeasureFile { reader: self.reader };
        let own = self.keys.measure.as_ref().map(|keys| file.declared(keys));
        let campaign = self.keys.sweep.is_some() || self.keys.claim.is_some();
        file.for_case(case, campaign, &own.unwrap_or_default(), &self.defaults.measures)
    }

    /// The cut; `off` is zero where the rig says how long it lasts.
    fn cut(&mut self, keys: &CutKeys) -> Option<CutPlan> {
        let at = self.reader.read(&keys.at);
        let after = self.reader.option(&keys.after);
        let off = self.reader.option(&keys.off);
        let kind = self.reader.option(&keys.kind);
        let times = self.reader.option(&keys.times);
        let at = at?;
        self.transport.check_moment(self.reader, keys.at.at, at);
        let after = after.unwrap_or_default();
        Some(CutPlan {
            at,
            after_min: after.min,
            after_max: after.max,
            off: off.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            times: times.unwrap_or(1),
        })
    }

    fn expect(&mut self, keys: &ExpectKeys) -> Expect {
        let expect = Expect {
            reply: self.reader.option(&keys.reply),
            download: self.reader.option(&keys.download),
            update: self.reader.option(&keys.update),
            version: self.reader.option(&keys.version),
            lwm2m: keys.lwm2m.as_ref().map(|keys| ExpectedObject {
                state: self.reader.option(&keys.state),
                result: self.reader.option(&keys.result),
            }),
        };
        let mut refuses = |key, vias: &[Via], why| self.transport.refuses(self.reader, key, vias, why);
        let [download, reply] = [
            keys.download.as_ref().map(|raw| raw.at),
            keys.reply.as_ref().map(|raw| raw.at),
        ];
        refuses(download, &[Via::Uart], "what is uploaded is not downloaded");
        refuses(reply, &[Via::Coap], "the order is not an AT command");
        let lwm2m = keys.lwm2m.as_ref().map(|part| part.at);
        let why = "LwM2M orders updates over CoAP alone";
        refuses(lwm2m, &[Via::Http, Via::Uart], why);
        expect
    }
}

/// Puts the values of the matrix in force, and makes the id of the case of them.
pub fn bind(reader: &mut ValueReader<'_>, keys: &CaseKeys, values: Vec<Binding>) -> String {
    // The name can refer to the matrix too: until it is read, messages know the case by its text.
    let case = keys.name.text.clone().unwrap_or_default();
    reader.bind(Bindings {
        case,
        values: values.clone(),
    });
    let name = reader.read(&keys.name).unwrap_or_default();
    let id = matrix::id(&name, &values);
    if !name.is_empty() && (id.is_empty() || id.starts_with('[')) {
        let why = InvalidValue::new("expected at least one letter or digit: the id is made from the name");
        reader.mistake(keys.name.at, why);
    }
    reader.bind(Bindings {
        case: id.clone(),
        values,
    });
    id
}
