//! Loads a suite file: keys into a [`Suite`], packages read, every mistake with its place.

use crate::config::suite::case_file::CaseFile;
use crate::config::suite::defaults::{Defaults, Packages, read_limits};
use crate::config::suite::matrix::combinations;
use crate::config::suite::measure_file::MeasureFile;
use crate::config::suite::suite_keys::{
    CaseKeys, LimitsKeys, MeasureKeys, PackageKeys, RetriesKeys, SuiteKeys,
};
use crate::config::suite::suite_literals::{Cycles, Repeat, Tries};
use crate::config::suite::{LoadedPackage, Suite, SuiteCase};
use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::{FileError, Problem};
use crate::config::yaml::literal::Mistake;
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::{Bindings, Reader};
use bytes::Bytes;
use dfota_core::case::{Limits, Package};
use dfota_core::escape::quoted;
use dfota_core::measure::MeasureLimits;
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
        Self::of(&document, canonical)
    }

    /// The suite in a document; `canonical` is the path of its file, and packages are looked for beside it.
    pub fn of(document: &Document, canonical: PathBuf) -> Result<Self, FileError> {
        document.is_a("suite", "rig", SWAPPED)?;
        let (keys, problems): (SuiteKeys, _) = document.keys()?;
        let folder = canonical.parent().unwrap_or(Path::new(".")).to_owned();
        let mut file = SuiteFile {
            reader: Reader::with(document, problems),
            folder,
        };
        let name = file.reader.read(&NodePath::root().key("suite"), &keys.suite);
        let packages = file.packages(&keys.packages.0);
        let limits = file.limits(keys.limits.as_ref());
        let name = name.unwrap_or_default();
        let retries = file.retries(keys.retries.as_ref());
        let root = NodePath::root();
        let confirm = file
            .reader
            .read_option(&root.key("confirm"), keys.confirm.as_ref());
        let limits = Limits {
            confirm: confirm.map_or(limits.confirm, |Cycles(cycles)| cycles),
            ..limits
        };
        let anomalies = file
            .reader
            .read_option(&root.key("anomalies"), keys.anomalies.as_ref());
        let measures = file.measures(keys.measure.as_ref());
        let defaults = Defaults {
            limits,
            anomalies: anomalies.unwrap_or_default(),
            retries,
            measures,
        };
        let cases = file.cases(&keys.cases, &name, &packages, &defaults);
        let prepare = NodePath::root().key("prepare").key("via");
        let prepare = keys
            .prepare
            .as_ref()
            .and_then(|keys| file.reader.read(&prepare, &keys.via));
        let repeat = NodePath::root().key("repeat");
        let repeat = file.reader.read_option(&repeat, keys.repeat.as_ref());
        let warnings = file.reader.finish()?;
        Ok(Self {
            name,
            file: PathBuf::from(document.name()),
            canonical,
            text: document.text().to_owned(),
            sha256: document.sha256().to_owned(),
            prepare: prepare.unwrap_or(Via::Uart),
            packages: packages.into_iter().filter_map(|(_, loaded)| loaded).collect(),
            cases,
            until_stopped: repeat == Some(Repeat::UntilStopped),
            warnings,
        })
    }
}

struct SuiteFile<'d> {
    reader: Reader<'d>,
    folder: PathBuf,
}

impl SuiteFile<'_> {
    fn packages(&mut self, keys: &[(String, PackageKeys)]) -> Packages {
        let at = NodePath::root().key("packages");
        keys.iter()
            .map(|(name, keys)| (name.clone(), self.package(&at.key(name), name, keys)))
            .collect()
    }

    fn package(&mut self, at: &NodePath, name: &str, keys: &PackageKeys) -> Option<LoadedPackage> {
        let file = self.reader.read(&at.key("file"), &keys.file);
        let from = self.reader.read(&at.key("from"), &keys.from);
        let to = self.reader.read(&at.key("to"), &keys.to);
        let declared = self.reader.read_option(&at.key("sha256"), keys.sha256.as_ref());
        let (from, to) = (from?, to?);
        if from == to {
            let why = format!("{} is where the package starts from already", quoted(to.as_str()));
            self.reader.mistake(&at.key("to"), Mistake::new(why));
        }
        let path = self.folder.join(file?);
        let bytes = match read_package(&path) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.reader.mistake(&at.key("file"), why);
                return None;
            }
        };
        let sha256 = sha256_hex(&bytes);
        if let Some(declared) = declared.filter(|declared| declared.0 != sha256) {
            let why = Mistake::new(format!(
                "expected a file with the digest `{}`, found another file",
                declared.0
            ))
            .label("of another file")
            .help(format!("the file's SHA-256 is `{sha256}`"));
            self.reader.mistake(&at.key("sha256"), why);
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
            bytes,
        })
    }

    fn limits(&mut self, keys: Option<&LimitsKeys>) -> Limits {
        let at = NodePath::root().key("limits");
        read_limits(&mut self.reader, &at, keys, Limits::default())
    }

    fn measures(&mut self, keys: Option<&MeasureKeys>) -> Vec<MeasureLimits> {
        let mut file = MeasureFile {
            reader: &mut self.reader,
            at: NodePath::root().key("measure"),
        };
        keys.map_or(Vec::new(), |keys| file.declared(keys))
    }

    fn retries(&mut self, keys: Option<&RetriesKeys>) -> Retries {
        let Some(keys) = keys else {
            return Retries::default();
        };
        let at = NodePath::root().key("retries");
        let mut further = |key: &str, raw: Option<&Raw<Tries>>| {
            let tries = self.reader.read_option(&at.key(key), raw);
            tries.map_or(0, |Tries(tries)| tries)
        };
        Retries {
            rig: further("rig", keys.rig.as_ref()),
            network: further("network", keys.network.as_ref()),
            server: further("server", keys.server.as_ref()),
        }
    }

    fn cases(
        &mut self,
        keys: &[CaseKeys],
        suite: &str,
        packages: &Packages,
        defaults: &Defaults,
    ) -> Vec<SuiteCase> {
        let mut cases = Vec::new();
        let mut ids: BTreeMap<String, NodePath> = BTreeMap::new();
        for (n, keys) in keys.iter().enumerate() {
            let at = NodePath::root().key("cases").index(n);
            let matrix = combinations(&mut self.reader, &at.key("matrix"), keys.matrix.as_ref());
            if cases.len() + matrix.len() > MAX_CASES {
                let why = Mistake::new(format!("more than {MAX_CASES} cases in one suite"));
                self.reader.mistake(&at.key("name"), why);
                break;
            }
            for values in matrix {
                if self.reader.has_enough() {
                    return cases;
                }
                let mut file = CaseFile {
                    reader: &mut self.reader,
                    at: at.clone(),
                    suite,
                    packages,
                    defaults,
                };
                let (id, case) = file.case(keys, values);
                self.unique(&mut ids, id, &at.key("name"));
                cases.extend(case);
            }
        }
        self.reader.bind(Bindings::default());
        cases
    }

    fn unique(&mut self, ids: &mut BTreeMap<String, NodePath>, id: String, at: &NodePath) {
        let tree = self.reader.document().tree();
        if let Some(first) = ids.get(&id) {
            let message = format!("two cases have the id `{id}`");
            let mut problem = Problem::at(tree.mark(at), message, "the second one")
                .help("give it another name: results are kept by id");
            if first != at {
                problem = problem.also(tree.mark(first), "the first one");
            }
            self.reader.problem(problem);
        }
        ids.entry(id).or_insert_with(|| at.clone());
    }
}

fn read_package(path: &Path) -> Result<Bytes, Mistake> {
    let cannot = |why: &str| Mistake::new(format!("the package cannot be read: {why}"));
    let meta = std::fs::metadata(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => cannot("there is no such file")
            .label("no such file")
            .help("package files are relative to the suite file"),
        _ => cannot(&why.to_string()),
    })?;
    if !meta.is_file() {
        return Err(cannot("it is no file"));
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
