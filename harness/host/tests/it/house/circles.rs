//! No module depends on one above it: in every crate and every folder, what the modules of one floor use of each other has no
//! circle. A module and what lies in its folder are one.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::visit::Visit;

type Module = Vec<String>;

/// Who uses whom, in one crate.
#[derive(Default)]
struct Graph {
    modules: BTreeSet<Module>,
    uses: BTreeMap<Module, BTreeSet<Module>>,
}

impl Graph {
    fn of(src: &Path) -> Self {
        let mut files = BTreeMap::<Module, Vec<syn::File>>::new();
        sources(src, &mut Vec::new(), &mut files);
        let mut graph = Self {
            modules: files.keys().cloned().collect(),
            ..Self::default()
        };
        for (module, files) in &files {
            let mut paths = Paths::default();
            files.iter().for_each(|file| paths.visit_file(file));
            let used: Vec<Module> = paths
                .0
                .iter()
                .filter_map(|path| graph.resolve(module, path))
                .collect();
            graph.uses.entry(module.clone()).or_default().extend(used);
        }
        graph
    }

    /// The module that a path leads to; nothing for one that leads out of the crate.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<Module> {
        let mut at = from.clone();
        let mut names = path.iter().peekable();
        match names.peek()?.as_str() {
            "crate" => {
                at.clear();
                names.next();
            }
            "self" => {
                names.next();
            }
            "super" => {}
            first => {
                at.push(first.to_owned());
                self.modules.contains(&at).then_some(())?;
                names.next();
            }
        }
        for name in names {
            if name == "super" {
                at.pop();
                continue;
            }
            at.push(name.clone());
            if !self.modules.contains(&at) {
                at.pop();
                break;
            }
        }
        (at != *from).then_some(at)
    }

    /// A circle among the modules of one folder, as the uses that close it.
    fn circle(&self, folder: &Module) -> Option<Vec<String>> {
        let floor = folder.len();
        let mut uses = BTreeMap::<&str, BTreeMap<&str, String>>::new();
        for (from, used) in &self.uses {
            for to in used {
                let both = [from, to].map(|module| module.strip_prefix(folder.as_slice())?.first());
                if let [Some(one), Some(other)] = both
                    && one != other
                {
                    let said = format!("{} uses {}", from.join("::"), to.join("::"));
                    uses.entry(one).or_default().entry(other).or_insert(said);
                }
            }
        }
        let mut done = BTreeSet::new();
        let starts: Vec<&str> = self
            .modules
            .iter()
            .filter(|module| module.starts_with(folder))
            .filter_map(|module| module.get(floor).map(String::as_str))
            .collect();
        starts
            .iter()
            .find_map(|start| walk(start, &uses, &mut Vec::new(), &mut done))
    }
}

/// Follows the uses of a module; gives those of a circle.
fn walk<'g>(
    at: &'g str,
    uses: &'g BTreeMap<&str, BTreeMap<&str, String>>,
    way: &mut Vec<(&'g str, &'g String)>,
    done: &mut BTreeSet<&'g str>,
) -> Option<Vec<String>> {
    if let Some(begun) = way.iter().position(|(module, _)| *module == at) {
        return Some(way[begun..].iter().map(|(_, said)| (*said).clone()).collect());
    }
    if done.contains(at) {
        return None;
    }
    for (next, said) in uses.get(at).into_iter().flatten() {
        way.push((at, said));
        if let Some(circle) = walk(next, uses, way, done) {
            return Some(circle);
        }
        way.pop();
    }
    done.insert(at);
    None
}

/// Paths of a file, without its tests.
#[derive(Default)]
struct Paths(Vec<Module>);

impl Paths {
    fn tree(&mut self, before: &Module, tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before.as_slice(), &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.0.push(with(&name.ident)),
            syn::UseTree::Rename(rename) => self.0.push(with(&rename.ident)),
            syn::UseTree::Glob(_) => self.0.push(before.clone()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }

    /// Paths in what stands in a macro: names with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Module::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 || path.is_empty() => path.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.0.push(std::mem::replace(&mut path, vec![name.to_string()]));
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.0.push(std::mem::take(&mut path));
                    self.tokens(group.stream());
                }
                _ => self.0.push(std::mem::take(&mut path)),
            }
            colons = 0;
        }
        self.0.push(path);
    }
}

impl<'f> Visit<'f> for Paths {
    fn visit_item_mod(&mut self, module: &'f syn::ItemMod) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .meta
                    .require_list()
                    .is_ok_and(|list| list.tokens.to_string() == "test")
        };
        if !module.attrs.iter().any(is_test) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'f syn::ItemUse) {
        self.tree(&Module::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'f syn::Path) {
        self.0.push(
            path.segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'f syn::Macro) {
        self.tokens(called.tokens.clone());
        syn::visit::visit_macro(self, called);
    }
}

/// Every source file below a folder, by its module.
fn sources(folder: &Path, above: &mut Module, files: &mut BTreeMap<Module, Vec<syn::File>>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_folder = path.is_dir();
        if !is_folder && path.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let is_own = !is_folder && ["mod", "lib", "main"].contains(&name.as_str());
        above.extend((!is_own).then_some(name));
        if is_folder {
            sources(&path, above, files);
        } else {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let file = syn::parse_file(&text).expect("Rust");
            files.entry(above.clone()).or_default().push(file);
        }
        if !is_own {
            above.pop();
        }
    }
}

#[test]
fn no_module_depends_on_one_above_it() {
    let mut crates = 0;
    for entry in std::fs::read_dir(crate::house::root().join("harness")).expect("the crates") {
        let src = entry.expect("an entry").path().join("src");
        if !src.is_dir() {
            continue;
        }
        crates += 1;
        let graph = Graph::of(&src);
        let mut folders: BTreeSet<Module> = [Module::new()].into();
        folders.extend(
            graph
                .modules
                .iter()
                .filter_map(|module| Some(module.split_last()?.1.to_vec())),
        );
        for folder in folders {
            if let Some(circle) = graph.circle(&folder) {
                panic!(
                    "a circle of modules in {}/{}:\n  {}\nmove what both need to a module below them",
                    src.display(),
                    folder.join("/"),
                    circle.join("\n  ")
                );
            }
        }
    }
    assert!(crates >= 8, "only {crates} crates were found");
}

#[test]
fn a_circle_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    std::fs::create_dir(folder.path().join("one")).expect("a folder");
    write("lib.rs", "pub mod one; pub mod two;");
    write("one.rs", "pub mod child; use child::Thing;");
    write("one/child.rs", "use super::Other; use crate::two::Thing;");
    write("two.rs", "#[cfg(test)] mod tests { use crate::one::Thing; }");
    assert_eq!(Graph::of(folder.path()).circle(&Module::new()), None);
    write(
        "two.rs",
        "fn call() { format!(\"{}\", crate::one::child::LENGTH) }",
    );
    let circle = Graph::of(folder.path()).circle(&Module::new());
    let told = ["one::child uses two", "two uses one::child"].map(String::from);
    assert_eq!(circle, Some(told.to_vec()));
}
