//! Loads a suite file: keys into a [`Suite`], packages read, every mistake with its place.

use crate::config::suite::case_file::{CaseFile, bind};
use crate::config::suite::defaults::{Defaults, Packages, read_limits};
use crate::config::suite::matrix::combinations;
use crate::config::suite::measure_file::MeasureFile;
use crate::config::suite::rig_demand::RigDemand;
use crate::config::suite::suite_keys::{CaseKeys, PackageKeys, RetriesKeys, SuiteKeys};
use crate::config::suite::suite_literals::Repeat;
use crate::config::suite::transport::Transport;
use crate::config::suite::{LoadedPackage, Suite, SuiteCase};
use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::{FileError, Problem};
use crate::config::yaml::literal::InvalidValue;
use crate::config::yaml::reader::{Bindings, ValueReader};
use crate::config::yaml::tree::KeyPlace;
use bytes::Bytes;
use dfota_core::case::{Limits, Package};
use dfota_core::escape::quoted;
use dfota_core::retries::Retries;
use dfota_core::transport::Via;
use dfota_record::digest::sha256_hex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most cases that a suite can be multiplied to.
const MAX_CASES: usize = 50_000;
/// Largest package that is taken: no module of this family has more flash.
const MAX_PACKAGE: u64 = 16 << 20;

/// What to do where a rig stands in the place of a suite.
const SWAPPED: &str = "suites are given without a flag, rigs with `--rig`: `dfota-hil run SUITE --rig RIG`";

impl Suite {
    /// Reads and checks a suite file and its packages.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let document = Document::read(path)?;
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self::from_document(&document, canonical)
    }

    /// The suite in a document; `canonical` is the path of its file, and packages are looked for beside it.
    pub fn from_document(document: &Document, canonical: PathBuf) -> Result<Self, FileError> {
        document.expect_key("suite", "rig", SWAPPED)?;
        let (keys, reader) = ValueReader::open::<SuiteKeys>(document)?;
        let mut file = SuiteFile {
            reader,
            folder: canonical.parent().unwrap_or(Path::new(".")).to_owned(),
        };
        let packages = file.packages(&keys);
        let defaults = file.defaults(&keys);
        let cases = file.cases(&keys.cases, &packages, &defaults);
        let prepare = keys.prepare.and_then(|keys| file.reader.read(&keys.via));
        let repeat = file.reader.option(&keys.repeat);
        let on = file.reader.option(&keys.on);
        let demand = RigDemand::read(&mut file.reader, keys.needs.as_deref(), on);
        let warnings = file.reader.finish()?;
        Ok(Self {
            name: defaults.suite,
            file: PathBuf::from(document.name()),
            canonical,
            text: document.text().to_owned(),
            sha256: document.sha256().to_owned(),
            prepare: prepare.unwrap_or(Via::Uart),
            packages: packages.into_iter().filter_map(|(_, loaded)| loaded).collect(),
            cases,
            demand,
            until_stopped: repeat == Some(Repeat::UntilStopped),
            warnings,
        })
    }
}

struct SuiteFile<'d> {
    reader: ValueReader<'d>,
    folder: PathBuf,
}

impl SuiteFile<'_> {
    fn defaults(&mut self, keys: &SuiteKeys) -> Defaults {
        let suite = self.reader.read(&keys.suite).unwrap_or_default();
        let limits = read_limits(&mut self.reader, keys.limits.as_ref(), Limits::default());
        let confirm = self.reader.option(&keys.confirm);
        let mut measure = MeasureFile {
            reader: &mut self.reader,
        };
        let measures = keys.measure.as_ref().map(|keys| measure.declared(keys));
        let measures = measures.iter().flatten().map(|measure| measure.limits);
        Defaults {
            suite,
            limits: Limits {
                confirm: confirm.unwrap_or(limits.confirm),
                ..limits
            },
            measures: measures.collect(),
            anomalies: self.reader.option(&keys.anomalies).unwrap_or_default(),
            retries: keys
                .retries
                .as_ref()
                .map(|keys| self.retries(keys))
                .unwrap_or_default(),
        }
    }

    fn packages(&mut self, keys: &SuiteKeys) -> Packages {
        let packages = keys.packages.iter().flat_map(|packages| packages.iter());
        packages
            .map(|(name, keys)| (name.clone(), self.package(name, keys)))
            .collect()
    }

    fn package(&mut self, name: &str, keys: &PackageKeys) -> Option<LoadedPackage> {
        let file = self.reader.read(&keys.file);
        let from = self.reader.read(&keys.from);
        let to = self.reader.read(&keys.to);
        let declared = self.reader.option(&keys.sha256);
        let (from, to) = (from?, to?);
        if from == to {
            let why = format!("{} is where the package starts from already", quoted(to.as_str()));
            self.reader.mistake(keys.to.at, why);
        }
        let path = self.folder.join(file?);
        let bytes = read_package(&path)
            .map_err(|why| self.reader.mistake(keys.file.at, why))
            .ok()?;
        let sha256 = sha256_hex(&bytes);
        if let (Some(declared), Some(raw)) = (declared, &keys.sha256)
            && declared != sha256
        {
            let why = format!("expected a file with the digest `{declared}`, found another file");
            let why = InvalidValue::new(why)
                .label("of another file")
                .help(format!("the file's SHA-256 is `{sha256}`"));
            self.reader.mistake(raw.at, why);
        }
        Some(LoadedPackage {
            package: Package {
                name: name.to_owned(),
                from,
                to,
                bytes: bytes.len() as u64,
                sha256,
            },
            path,
            named_at: self.reader.document().tree().mark(keys.file.at),
            bytes,
        })
    }

    fn retries(&mut self, keys: &RetriesKeys) -> Retries {
        Retries {
            rig: self.reader.option(&keys.rig).unwrap_or(0),
            network: self.reader.option(&keys.network).unwrap_or(0),
            server: self.reader.option(&keys.server).unwrap_or(0),
        }
    }

    fn cases(&mut self, keys: &[CaseKeys], packages: &Packages, defaults: &Defaults) -> Vec<SuiteCase> {
        let mut cases = Vec::new();
        let mut ids: BTreeMap<String, KeyPlace> = BTreeMap::new();
        for keys in keys {
            let matrix = combinations(&mut self.reader, keys.matrix.as_ref());
            if cases.len() + matrix.len() > MAX_CASES {
                let why = format!("more than {MAX_CASES} cases in one suite");
                self.reader.mistake(keys.name.at, why);
                break;
            }
            for values in matrix {
                if self.reader.has_enough() {
                    return cases;
                }
                let id = bind(&mut self.reader, keys, values);
                let transport = Transport {
                    via: self.reader.read(&keys.update.via),
                    at: keys.update.via.at,
                };
                let mut file = CaseFile {
                    reader: &mut self.reader,
                    keys,
                    transport,
                    packages,
                    defaults,
                };
                cases.extend(file.case(&id));
                if keys.name.text.is_some() {
                    self.unique(&mut ids, id, keys.name.at);
                }
            }
        }
        self.reader.bind(Bindings::default());
        cases
    }

    fn unique(&mut self, ids: &mut BTreeMap<String, KeyPlace>, id: String, at: KeyPlace) {
        let tree = self.reader.document().tree();
        if let Some(first) = ids.get(&id) {
            let message = format!("two cases have the id `{id}`");
            let mut problem = Problem::at(tree.mark(at), message, "the second one")
                .help("give it another name: results are kept by id");
            if *first != at {
                problem = problem.also(tree.mark(*first), "the first one");
            }
            self.reader.problem(problem);
        }
        ids.entry(id).or_insert(at);
    }
}

fn read_package(path: &Path) -> Result<Bytes, InvalidValue> {
    let cannot = |why: &str| InvalidValue::new(format!("the package cannot be read: {why}"));
    let meta = std::fs::metadata(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => cannot("there is no such file")
            .label("no such file")
            .help("package files are relative to the suite file"),
        _ => cannot(&why.to_string()),
    })?;
    if !meta.is_file() {
        return Err(cannot("it is not a file"));
    }
    if meta.len() == 0 || meta.len() > MAX_PACKAGE {
        return Err(cannot(&format!(
            "it has {} bytes; 1 to {MAX_PACKAGE} are taken",
            meta.len()
        )));
    }
    std::fs::read(path)
        .map(Bytes::from)
        .map_err(|why| cannot(&why.to_string()))
}
