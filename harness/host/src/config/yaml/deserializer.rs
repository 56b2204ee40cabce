//! Fills the structs of a format from the nodes of a document, with serde.
//!
//! A mistake ends nothing: it is noted, and what is missing or of another kind is filled with nothing, so that all the rest is
//! looked at as well. Which keys there are, and which are required, serde says: the fields of the struct, and those of them
//! that are no `Option`. Values are not looked at here; a scalar hands out its text and its place.

use super::file_error::Problem;
use super::nearest::{nearest, suggestion, ticked};
use super::tree::{MapEntry, NodeContent, NodeId, Tree};
use serde::de::value::{Error, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
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

    fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
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

    /// The value of an entry of this node.
    fn below(&self, entry: MapEntry) -> Self {
        Self {
            node: Some(entry.value),
            key: entry.key,
            is_item: false,
            shape: Shape::Any,
            absent: None,
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

    /// The text of a single value.
    fn scalar(&self) -> Option<&'f str> {
        let node = self.tree().node(self.node?);
        match &node.content {
            NodeContent::Scalar { text, .. } if !node.is_null() => Some(text),
            _ => None,
        }
    }

    fn has_key(&self) -> bool {
        self.key != Tree::ROOT && !self.is_item
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
            (&self.tree().node(self.key).bytes, "has")
        } else {
            (&node.bytes, "this is")
        };
        let message = format!("expected {wanted} for {name}, found {}", node.kind());
        let label = format!("{verb} {}", node.kind());
        self.findings.note(Problem::at(at.clone(), message, label));
    }

    /// The entries, if it is a mapping.
    fn map(&self, name: &str) -> Result<Option<&'f [MapEntry]>, Error> {
        self.visit()?;
        match self.node.map(|id| &self.tree().node(id).content) {
            Some(NodeContent::Map(entries)) => {
                self.check_number(entries.iter().map(|entry| entry.key), "key", name);
                Ok(Some(entries))
            }
            _ => {
                self.is_not("a mapping", name);
                Ok(None)
            }
        }
    }

    fn check_number(&self, entries: impl Iterator<Item = NodeId>, what: &str, name: &str) {
        let entries: Vec<NodeId> = entries.collect();
        let (message, label) = match entries.len() {
            0 if self.shape != Shape::Any => {
                let message = format!("{name} is empty; expected at least one {what}");
                (message, "nothing in it")
            }
            2.. if self.shape == Shape::ExactlyOne => {
                let keys: Vec<&str> = entries.iter().map(|key| self.tree().key(*key)).collect();
                let message = format!("{name} takes exactly one {what}, found {}", ticked(&keys));
                (message, "more than one in it")
            }
            _ => return,
        };
        let at = if self.has_key() {
            self.key
        } else {
            self.node.unwrap_or(Tree::ROOT)
        };
        let at = self.tree().node(at).bytes.clone();
        self.findings.note(Problem::at(at, message, label));
    }

    /// The entry for each of `fields`. A mistyped key counts as the field that was probably meant.
    fn assign(&self, entries: &[MapEntry], fields: &[&str], name: &str) -> Vec<Option<MapEntry>> {
        let tree = self.tree();
        let stands = |field: &str| entries.iter().any(|entry| tree.key(entry.key) == field);
        let mut assigned = vec![None; fields.len()];
        for entry in self.unique(entries, name) {
            let key = tree.key(entry.key);
            let field = match fields.iter().position(|field| *field == key) {
                Some(field) => Some(field),
                None => {
                    self.unknown_key(*entry, fields, name);
                    let free = fields.iter().copied().filter(|field| !stands(field));
                    nearest(key, free).and_then(|meant| fields.iter().position(|field| *field == meant))
                }
            };
            if let Some(slot) = field.map(|field| &mut assigned[field]) {
                slot.get_or_insert(*entry);
            }
        }
        assigned
    }

    /// The entries, each key once; the others are noted.
    fn unique<'e>(&self, entries: &'e [MapEntry], name: &str) -> Vec<&'e MapEntry> {
        let mut seen: BTreeMap<&str, NodeId> = BTreeMap::new();
        let tree = self.tree();
        let is_first = |entry: &&MapEntry| {
            let key = tree.key(entry.key);
            let Some(first) = seen.insert(key, entry.key) else {
                return true;
            };
            let [first, second] = [first, entry.key].map(|id| tree.node(id).bytes.clone());
            let problem = Problem::at(
                second,
                format!("`{key}` stands twice in {name}"),
                "the second one",
            );
            self.findings.note(problem.also(first, "the first one"));
            false
        };
        entries.iter().filter(is_first).collect()
    }

    fn unknown_key(&self, entry: MapEntry, fields: &[&str], name: &str) {
        let key = self.tree().key(entry.key);
        let mut names = fields.to_vec();
        names.sort_unstable();
        let at = self.tree().node(entry.key).bytes.clone();
        let problem = Problem::at(
            at,
            format!("unknown key `{key}` in {name}"),
            "not a key of this format",
        );
        let help = suggestion(key, &names, &format!("the keys of {name} are"));
        self.findings.note(problem.help(help));
    }

    fn missing(&self, entries: &[MapEntry], missing: &[&str], name: &str) {
        if missing.is_empty() {
            return;
        }
        let first = entries.first().map(|entry| entry.key).or(self.node);
        let at = if self.has_key() {
            self.key
        } else {
            first.unwrap_or(Tree::ROOT)
        };
        let at = self.tree().node(at).bytes.clone();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let problem = Problem::at(
            at,
            format!("{} missing in {name}", ticked(missing)),
            "in this one",
        );
        self.findings
            .note(problem.help(format!("{} {verb} required", ticked(missing))));
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom(
            "formats are made of structs, lists and `Raw` scalars",
        ))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.shape == Shape::Scalar {
            self.visit()?;
            let is_there = self.scalar().is_some();
            if !is_there {
                self.is_not("a single value", &self.name(None));
            }
            return if is_there {
                visitor.visit_some(self)
            } else {
                visitor.visit_none()
            };
        }
        match self.node {
            None => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.scalar().unwrap_or_default())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        title: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let shape = match title {
            "Raw" => Some(Shape::Scalar),
            "Part" => Some(Shape::Any),
            "NotEmpty" => Some(Shape::NotEmpty),
            "ExactlyOne" => Some(Shape::ExactlyOne),
            _ => None,
        };
        if let Some(shape) = shape {
            return visitor.visit_seq(Placed {
                node: Self { shape, ..self },
                has_given_place: false,
            });
        }
        let title = title.trim_end_matches("Keys").to_lowercase();
        let name = self.name(Some(&title));
        let entries = self.map(&name)?;
        let assigned = match entries {
            Some(entries) => self.assign(entries, fields, &name),
            None => vec![None; fields.len()],
        };
        let missing = RefCell::default();
        let value = visitor.visit_map(Fields {
            parent: self,
            fields: fields.iter().copied().zip(assigned),
            value: None,
            missing: entries.map(|_| &missing),
        })?;
        self.missing(entries.unwrap_or_default(), &missing.take(), &name);
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let name = self.name(None);
        let entries = self.map(&name)?.unwrap_or_default();
        visitor.visit_map(KeysOfTheAuthor {
            parent: self,
            entries: self.unique(entries, &name).into_iter(),
            value: None,
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit()?;
        let name = self.name(None);
        let items = match self.node.map(|id| &self.tree().node(id).content) {
            Some(NodeContent::Map(_) | NodeContent::Scalar { .. }) if self.shape == Shape::OneOrMore => {
                return visitor.visit_seq(SeqDeserializer::new(std::iter::once(self)));
            }
            Some(NodeContent::List(items)) => {
                self.check_number(items.iter().copied(), "item", &name);
                &items[..]
            }
            _ => {
                self.is_not("a list", &name);
                &[]
            }
        };
        visitor.visit_seq(Items {
            parent: self,
            items: items.iter(),
        })
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

/// The fields of a struct in turn, whether something stands for them or not.
struct Fields<'f, I> {
    parent: NodeDeserializer<'f>,
    fields: I,
    value: Option<NodeDeserializer<'f>>,
    missing: Option<&'f RefCell<Vec<&'static str>>>,
}

impl<'de, I: Iterator<Item = (&'static str, Option<MapEntry>)>> MapAccess<'de> for Fields<'_, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, entry)) = self.fields.next() else {
            return Ok(None);
        };
        self.value = Some(match entry {
            Some(entry) => self.parent.below(entry),
            None => NodeDeserializer {
                node: None,
                absent: self.missing.map(|missing| AbsentField { name, missing }),
                ..self.parent
            },
        });
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.value.take().unwrap_or(self.parent))
    }
}

/// The entries of a mapping whose keys are the author's.
struct KeysOfTheAuthor<'f, I> {
    parent: NodeDeserializer<'f>,
    entries: I,
    value: Option<NodeDeserializer<'f>>,
}

impl<'de, 'f, I: Iterator<Item = &'f MapEntry>> MapAccess<'de> for KeysOfTheAuthor<'f, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(self.parent.below(*entry));
        let key = self.parent.tree().key(entry.key);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.value.take().unwrap_or(self.parent))
    }
}

struct Items<'f, I> {
    parent: NodeDeserializer<'f>,
    items: I,
}

impl<'de, 'f, I: Iterator<Item = &'f NodeId>> SeqAccess<'de> for Items<'f, I> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let item = self.items.next().map(|id| NodeDeserializer {
            node: Some(*id),
            is_item: true,
            shape: Shape::Any,
            ..self.parent
        });
        item.map(|item| seed.deserialize(item)).transpose()
    }
}

/// A node as two elements: its place, and itself.
struct Placed<'f> {
    node: NodeDeserializer<'f>,
    has_given_place: bool,
}

impl<'de> SeqAccess<'de> for Placed<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let node = self.node;
        if std::mem::replace(&mut self.has_given_place, true) {
            return seed.deserialize(node).map(Some);
        }
        let place = node
            .tree()
            .place(node.node.unwrap_or(Tree::ROOT), node.key, node.is_item);
        let numbers = SeqDeserializer::new(place.numbers().into_iter());
        seed.deserialize(numbers).map(Some)
    }
}
