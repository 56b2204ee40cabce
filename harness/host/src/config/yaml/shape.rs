//! Compares the keys of a document with those of its format, all mistakes at once.
//!
//! The format is the JSON Schema of the structs that `serde_yaml` fills, the same that editors get: there is one list of
//! keys. Values are not looked at here.

use super::file_error::{FileError, Problem};
use super::nearest::{nearest, suggestion, ticked};
use super::tree::{Content, Entry, NodeId, Tree};
use schemars::JsonSchema;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Nodes that are visited: an alias that multiplies must not take forever.
pub(super) const MAX_VISITS: usize = 200_000;

/// What is wrong with the keys of `tree` for the format `T`, and where something is, the document as it was probably meant.
pub fn checked<T: JsonSchema>(tree: &Tree) -> (Vec<Problem>, Option<Value>) {
    let schema = plain_schema::<T>();
    let mut shape = Shape {
        tree,
        schema: &schema,
        problems: Vec::new(),
        visits: 0,
        mended: Cell::new(0),
    };
    let name = format!("the {}", schema["title"].as_str().unwrap_or("file"));
    shape.visit(tree.root(), &schema, &name, None, 0);
    // Of more mistakes than are shown, nobody wants still more.
    let few = (1..=FileError::SHOWN).contains(&shape.problems.len());
    let has_keys = matches!(tree.node(tree.root()).content, Content::Map(_));
    let is_sane = few && has_keys && shape.visits < MAX_VISITS;
    let mended = is_sane.then(|| shape.mended(tree.root(), &schema));
    (shape.problems, mended)
}

/// The schema of a format, with no `null` in it: a key that says nothing is left out.
pub fn plain_schema<T: JsonSchema>() -> Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    schema
}

fn without_null(value: &mut Value) {
    if let Value::Object(object) = value {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = &types[..] {
                let one = one.clone();
                object.insert("type".to_owned(), one);
            }
        }
        let chosen = match object.get("anyOf") {
            Some(Value::Array(arms)) if arms.iter().any(|arm| arm["type"] == "null") => arms
                .iter()
                .find(|arm| arm["type"] != "null")
                .and_then(Value::as_object)
                .cloned(),
            _ => None,
        };
        if let Some(chosen) = chosen {
            object.remove("anyOf");
            for (key, value) in chosen {
                object.entry(key).or_insert(value);
            }
        }
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(without_null),
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

pub(super) struct Shape<'s> {
    pub(super) tree: &'s Tree,
    schema: &'s Value,
    problems: Vec<Problem>,
    visits: usize,
    /// Nodes of the document as it was meant.
    pub(super) mended: Cell<usize>,
}

/// What a schema asks of a node.
#[derive(PartialEq)]
enum Wanted {
    Mapping,
    List,
    Single,
}

impl Wanted {
    fn of(schema: &Value) -> Self {
        match schema["type"].as_str() {
            Some("object") => Self::Mapping,
            Some("array") => Self::List,
            _ => Self::Single,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Mapping => "a mapping",
            Self::List => "a list",
            Self::Single => "a single value",
        }
    }
}

impl<'s> Shape<'s> {
    pub(super) fn resolve(&self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
            Some(at) => self.schema.pointer(at).unwrap_or(schema),
            None => schema,
        }
    }

    /// Where one value or a list of them is taken, what fits the node.
    pub(super) fn arm_for(&self, id: NodeId, schema: &'s Value) -> &'s Value {
        let is_list = matches!(self.tree.node(id).content, Content::List(_));
        let arms = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        let list = arms.iter().find(|arm| Wanted::of(arm) == Wanted::List);
        list.filter(|_| is_list).unwrap_or(schema)
    }

    /// `name` is what messages call the node; `mark` is its key.
    fn visit(&mut self, id: NodeId, schema: &'s Value, name: &str, mark: Option<&Entry>, depth: usize) {
        self.visits += 1;
        if self.visits == MAX_VISITS || depth > super::tree::MAX_DEPTH {
            let at = self.tree.node(id).bytes.clone();
            self.problems = vec![Problem::at(
                at,
                "aliases multiply this file beyond all measure",
                "here",
            )];
            self.visits = self.visits.max(MAX_VISITS);
        }
        if self.visits >= MAX_VISITS {
            return;
        }
        let schema = self.arm_for(id, self.resolve(schema));
        let wanted = Wanted::of(schema);
        match (&self.tree.node(id).content, wanted) {
            (Content::Map(entries), Wanted::Mapping) => self.mapping(id, entries, schema, name, mark, depth),
            (Content::List(items), Wanted::List) => self.list(items, schema, name, mark, depth),
            (Content::Scalar { .. }, Wanted::Single) if !self.tree.node(id).is_null() => {}
            (_, wanted) => self.other_kind(id, &wanted, name, mark),
        }
    }

    fn other_kind(&mut self, id: NodeId, wanted: &Wanted, name: &str, mark: Option<&Entry>) {
        let node = self.tree.node(id);
        let (at, label) = match mark {
            Some(entry) if node.bytes.is_empty() || !matches!(node.content, Content::Scalar { .. }) => {
                (entry.key_bytes.clone(), format!("has {}", node.kind()))
            }
            _ => (node.bytes.clone(), format!("this is {}", node.kind())),
        };
        let message = format!("expected {} for {name}, found {}", wanted.name(), node.kind());
        self.problems.push(Problem::at(at, message, label));
    }

    fn list(&mut self, items: &[NodeId], schema: &'s Value, name: &str, mark: Option<&Entry>, depth: usize) {
        if let (true, Some(1), Some(entry)) = (items.is_empty(), schema["minItems"].as_u64(), mark) {
            let message = format!("{name} is empty; expected at least one item");
            self.problems
                .push(Problem::at(entry.key_bytes.clone(), message, "nothing in it"));
        }
        // An item has no key to be called by.
        let title = self.resolve(&schema["items"])["title"].as_str();
        let name = title.map_or(name.to_owned(), |title| format!("a {title}"));
        for item in items {
            self.visit(*item, &schema["items"], &name, None, depth + 1);
        }
    }

    fn mapping(
        &mut self,
        id: NodeId,
        entries: &[Entry],
        schema: &'s Value,
        name: &str,
        mark: Option<&Entry>,
        depth: usize,
    ) {
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in entries {
            if let Some(first) = seen.insert(&entry.key, entry) {
                let message = format!("`{}` stands twice in {name}", entry.key);
                self.problems.push(
                    Problem::at(entry.key_bytes.clone(), message, "the second one")
                        .also(first.key_bytes.clone(), "the first one"),
                );
                continue;
            }
            let known = schema["properties"].get(&entry.key);
            match (known, &schema["additionalProperties"]) {
                (Some(value), _) => {
                    self.visit(
                        entry.value,
                        value,
                        &format!("`{}`", entry.key),
                        Some(entry),
                        depth + 1,
                    );
                }
                (None, value @ Value::Object(_)) => {
                    self.visit(
                        entry.value,
                        value,
                        &format!("`{}`", entry.key),
                        Some(entry),
                        depth + 1,
                    );
                }
                (None, _) => self.unknown(entry, schema, name),
            }
        }
        self.missing(id, &seen, schema, name, mark);
        if entries.is_empty() && schema["minProperties"] == 1 {
            let at = mark.map_or(self.tree.node(id).bytes.clone(), |entry| entry.key_bytes.clone());
            let message = format!("{name} is empty; expected at least one key");
            self.problems.push(Problem::at(at, message, "nothing in it"));
        }
    }

    fn unknown(&mut self, entry: &Entry, schema: &Value, name: &str) {
        let names: Vec<&str> = schema["properties"]
            .as_object()
            .map(|keys| keys.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let help = suggestion(&entry.key, &names, &format!("the keys of {name} are"));
        let message = format!("unknown key `{}` in {name}", entry.key);
        self.problems
            .push(Problem::at(entry.key_bytes.clone(), message, "not a key of this format").help(help));
    }

    fn missing(
        &mut self,
        id: NodeId,
        seen: &BTreeMap<&str, &Entry>,
        schema: &Value,
        name: &str,
        mark: Option<&Entry>,
    ) {
        let missing: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|key| !seen.contains_key(key))
            // A mistyped key was reported as such, with the right name beside it.
            .filter(|key| {
                !seen.keys().any(|typed| {
                    nearest(typed, [*key]).is_some() && schema["properties"].get(typed).is_none()
                })
            })
            .collect();
        if missing.is_empty() {
            return;
        }
        let node = self.tree.node(id);
        let at = match (mark, &node.content) {
            (Some(entry), _) => entry.key_bytes.clone(),
            (None, Content::Map(entries)) => entries
                .first()
                .map_or(node.bytes.clone(), |entry| entry.key_bytes.clone()),
            (None, _) => node.bytes.clone(),
        };
        let message = format!("{} missing in {name}", ticked(&missing));
        let verb = if missing.len() == 1 { "is" } else { "are" };
        self.problems.push(
            Problem::at(at, message, "in this one").help(format!("{} {verb} required", ticked(&missing))),
        );
    }
}
