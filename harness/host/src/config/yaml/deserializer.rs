//! Fills the structs of a format from the nodes of a document, with serde.
//!
//! A mistake does not stop the reading: it is recorded, a missing or wrong value becomes an empty one, and the rest is read as
//! well. serde defines the keys: the fields of the struct. A field that is not an `Option` is required. Values are not looked
//! at here; a scalar hands out its text and its place.

use super::file_error::{Bytes, Problem};
use super::nearest::{nearest, suggestion, ticked};
use super::tree::{MapEntry, NodeContent, NodeId, Tree};
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Nodes that are visited: an alias that multiplies must not take forever.
const MAX_VISITS: usize = 200_000;

/// What is found wrong while a document is read.
#[derive(Debug)]
pub struct Findings<'t> {
    tree: &'t Tree,
    problems: RefCell<Vec<Problem>>,
    visits: Cell<usize>,
}

impl<'t> Findings<'t> {
    pub fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            problems: RefCell::default(),
            visits: Cell::new(0),
        }
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// The document as a `T`. An error means that it is too large to be read on.
pub fn fill<T: DeserializeOwned>(findings: &Findings<'_>) -> Result<T, Error> {
    T::deserialize(NodeDeserializer {
        findings,
        node: Some(Tree::ROOT),
        key: Tree::ROOT,
        is_item: false,
        shape: Shape::Any,
        absent: None,
    })
}

/// What a node has to be, beyond what serde asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    /// A mapping or list with something in it.
    NotEmpty,
    /// A mapping with a single key.
    ExactlyOne,
    /// A list with something in it, or what could be its only item.
    OneOrMore,
    /// A single value.
    Scalar,
}

/// A node, or the place where one could be.
#[derive(Debug, Clone, Copy)]
struct NodeDeserializer<'f> {
    findings: &'f Findings<'f>,
    /// `None` where nothing stands.
    node: Option<NodeId>,
    /// The key that it stands under, or that its list stands under.
    key: NodeId,
    is_item: bool,
    shape: Shape,
    /// The field that it is and that nothing stands for, to be noted if it is required.
    absent: Option<AbsentField<'f>>,
}

#[derive(Debug, Clone, Copy)]
struct AbsentField<'f> {
    name: &'static str,
    /// The required ones of the struct.
    missing: &'f RefCell<Vec<&'static str>>,
}

impl<'f> NodeDeserializer<'f> {
    fn tree(&self) -> &'f Tree {
        self.findings.tree
    }

    fn bytes(&self, id: NodeId) -> Bytes {
        self.tree().node(id).bytes.clone()
    }

    fn note(&self, problem: Problem) {
        self.findings.problems.borrow_mut().push(problem);
    }

    /// The value of an entry of this node.
    fn value(&self, entry: MapEntry) -> Self {
        Self {
            node: Some(entry.value),
            key: entry.key,
            is_item: false,
            shape: Shape::Any,
            ..*self
        }
    }

    fn visit(&self) -> Result<(), Error> {
        let visits = self.findings.visits.get() + 1;
        self.findings.visits.set(visits);
        if visits > MAX_VISITS {
            let why = format!("aliases multiply this file to more than {MAX_VISITS} values");
            return Err(Error::custom(why));
        }
        Ok(())
    }

    /// What messages call the node; `title` is of a struct that has no key to be called by.
    fn name(&self, title: Option<&str>) -> String {
        match title {
            Some(title) if self.is_item => format!("a {title}"),
            Some(title) if self.key == Tree::ROOT => format!("the {title} file"),
            _ => format!("`{}`", self.tree().key(self.key)),
        }
    }

    fn has_key(&self) -> bool {
        self.key != Tree::ROOT && !self.is_item
    }

    /// The text of a single value.
    fn scalar(&self) -> Option<&'f str> {
        let node = self.tree().node(self.node?);
        match &node.content {
            NodeContent::Scalar { text, .. } if !node.is_null() => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    fn entries(&self, name: &str) -> Result<Option<&'f [MapEntry]>, Error> {
        self.visit()?;
        match self.node.map(|id| &self.tree().node(id).content) {
            Some(NodeContent::Map(entries)) => {
                let keys: Vec<&str> = entries.iter().map(|entry| self.tree().key(entry.key)).collect();
                self.check_number(&keys, "key", name);
                Ok(Some(entries))
            }
            _ => {
                self.is_not("a mapping", name);
                Ok(None)
            }
        }
    }

    /// The entries, each key once; the others are noted.
    fn unique(&self, entries: &'f [MapEntry], name: &str) -> Vec<MapEntry> {
        let mut seen: BTreeMap<&str, NodeId> = BTreeMap::new();
        let is_first = |entry: &MapEntry| {
            let node = self.tree().node(entry.key);
            if !matches!(node.content, NodeContent::Scalar { .. }) {
                let message = format!("expected a word as a key of {name}, found {}", node.kind());
                let label = format!("this is {}", node.kind());
                self.note(Problem::at(self.bytes(entry.key), message, label));
                return false;
            }
            let key = self.tree().key(entry.key);
            let Some(first) = seen.insert(key, entry.key) else {
                return true;
            };
            let message = format!("`{key}` is given twice in {name}");
            let problem = Problem::at(self.bytes(entry.key), message, "the second one");
            self.note(problem.also(self.bytes(first), "the first one"));
            false
        };
        entries.iter().copied().filter(is_first).collect()
    }

    /// The entry for each of `fields`. A mistyped key counts as the field that was probably meant.
    fn assign(&self, entries: &'f [MapEntry], fields: &[&str], name: &str) -> Vec<Option<MapEntry>> {
        // Once for all keys: a file may hold very many unknown ones.
        let stands = |field: &&str| entries.iter().any(|entry| self.tree().key(entry.key) == *field);
        let absent: Vec<&str> = fields.iter().copied().filter(|field| !stands(field)).collect();
        let mut assigned = vec![None; fields.len()];
        for entry in self.unique(entries, name) {
            let key = self.tree().key(entry.key);
            let field = if fields.contains(&key) {
                Some(key)
            } else {
                self.unknown_key(entry, fields, name);
                nearest(key, absent.iter().copied())
            };
            let slot = fields.iter().position(|known| Some(*known) == field);
            if let Some(slot) = slot.map(|n| &mut assigned[n]) {
                slot.get_or_insert(entry);
            }
        }
        assigned
    }

    /// Notes that the node is of another kind, or that it is required and nothing stands there.
    fn is_not(&self, wanted: &str, name: &str) {
        let Some(id) = self.node else {
            if let Some(absent) = self.absent {
                absent.missing.borrow_mut().push(absent.name);
            }
            return;
        };
        let node = self.tree().node(id);
        let shows_itself = matches!(node.content, NodeContent::Scalar { .. }) && !node.bytes.is_empty();
        let (at, verb) = if self.has_key() && !shows_itself {
            (self.key, "has")
        } else {
            (id, "this is")
        };
        let message = format!("expected {wanted} for {name}, found {}", node.kind());
        let label = format!("{verb} {}", node.kind());
        self.note(Problem::at(self.bytes(at), message, label));
    }

    fn check_number(&self, entries: &[&str], what: &str, name: &str) {
        let (message, label) = match entries {
            [] if self.shape != Shape::Any => {
                let message = format!("{name} is empty; expected at least one {what}");
                (message, "nothing in it")
            }
            [_, _, ..] if self.shape == Shape::ExactlyOne => {
                let message = format!("{name} takes exactly one {what}, found {}", ticked(entries));
                (message, "more than one in it")
            }
            _ => return,
        };
        let key = self.has_key().then_some(self.key);
        let at = key.or(self.node).unwrap_or(Tree::ROOT);
        self.note(Problem::at(self.bytes(at), message, label));
    }

    fn unknown_key(&self, entry: MapEntry, fields: &[&str], name: &str) {
        let key = self.tree().key(entry.key);
        let mut names = fields.to_vec();
        names.sort_unstable();
        let message = format!("unknown key `{key}` in {name}");
        let problem = Problem::at(self.bytes(entry.key), message, "not a key of this format");
        self.note(problem.help(suggestion(key, &names, &format!("the keys of {name} are"))));
    }

    fn missing(&self, entries: &[MapEntry], missing: &[&str], name: &str) {
        let missing = match missing {
            [] => return,
            missing => ticked(missing),
        };
        let key = self.has_key().then_some(self.key);
        let first = entries.first().map(|entry| entry.key);
        let at = key.or(first).or(self.node).unwrap_or(Tree::ROOT);
        let problem = Problem::at(
            self.bytes(at),
            format!("{missing} missing in {name}"),
            "in this one",
        );
        let verb = if missing.contains(',') { "are" } else { "is" };
        self.note(problem.help(format!("{missing} {verb} required")));
    }

    /// The struct whose fields are the keys of this mapping. Every field is handed out, so that an absent one that is
    /// required can be noted.
    fn format<'de, V: Visitor<'de>>(
        self,
        title: &str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name = self.name(Some(title));
        let entries = self.entries(&name)?;
        let assigned = match entries {
            Some(entries) => self.assign(entries, fields, &name),
            None => vec![None; fields.len()],
        };
        let missing = RefCell::default();
        let values = fields.iter().zip(assigned).map(|(name, entry)| {
            let absent = entries.map(|_| AbsentField {
                name,
                missing: &missing,
            });
            let nothing = NodeDeserializer {
                node: None,
                shape: Shape::Any,
                absent,
                ..self
            };
            (*name, entry.map_or(nothing, |entry| self.value(entry)))
        });
        let value = visitor.visit_map(MapDeserializer::new(values))?;
        self.missing(entries.unwrap_or_default(), &missing.borrow(), &name);
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom(
            "a format is made of structs, lists, and `Raw` scalars",
        ))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let is_there = if self.shape == Shape::Scalar {
            self.visit()?;
            let is_there = self.scalar().is_some();
            if !is_there {
                self.is_not("a single value", &self.name(None));
            }
            is_there
        } else {
            self.node.is_some()
        };
        if is_there {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.scalar().unwrap_or_default())
    }

    /// A struct of a format, or one that says more about a node: its place, or how many keys it has.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        title: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let shape = match title {
            "KeyPlace" => {
                let node = self.node.unwrap_or(Tree::ROOT);
                let place = self.tree().place(node, self.key, self.is_item);
                return visitor.visit_seq(SeqDeserializer::new(place.numbers().into_iter()));
            }
            "Raw" => Shape::Scalar,
            "Part" => Shape::Any,
            "NotEmpty" => Shape::NotEmpty,
            "ExactlyOne" => Shape::ExactlyOne,
            _ => {
                let title = title.trim_end_matches("Keys").to_lowercase();
                return self.format(&title, fields, visitor);
            }
        };
        let place_and_keys = [self, Self { shape, ..self }];
        visitor.visit_seq(SeqDeserializer::new(place_and_keys.into_iter()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let shape = if name == "OneOrMore" {
            Shape::OneOrMore
        } else {
            self.shape
        };
        visitor.visit_newtype_struct(Self { shape, ..self })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let name = self.name(None);
        let entries = self.unique(self.entries(&name)?.unwrap_or_default(), &name);
        let pairs = entries
            .into_iter()
            .map(|entry| (self.tree().key(entry.key), self.value(entry)));
        visitor.visit_map(MapDeserializer::new(pairs))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit()?;
        let name = self.name(None);
        let items = match self.node.map(|id| &self.tree().node(id).content) {
            Some(NodeContent::List(items)) => {
                let keys: Vec<&str> = items.iter().map(|item| self.tree().key(*item)).collect();
                self.check_number(&keys, "item", &name);
                &items[..]
            }
            Some(_) if self.shape == Shape::OneOrMore => {
                return visitor.visit_seq(SeqDeserializer::new(std::iter::once(self)));
            }
            _ => {
                self.is_not("a list", &name);
                &[]
            }
        };
        let items = items.iter().map(|id| NodeDeserializer {
            node: Some(*id),
            is_item: true,
            shape: Shape::Any,
            ..self
        });
        visitor.visit_seq(SeqDeserializer::new(items))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str bytes byte_buf unit unit_struct tuple tuple_struct enum
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for NodeDeserializer<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
