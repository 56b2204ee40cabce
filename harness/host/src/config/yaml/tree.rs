//! Where each node of a document stands.
//!
//! Built from the parser's events, not from a loaded value: so that duplicate keys are still there and an alias stays
//! one reference, however often it multiplies.

use super::node_path::{NodePath, Step};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of the text.
pub type Bytes = Range<usize>;
/// A node by its number.
pub type NodeId = usize;

/// Deepest nesting that is taken; the formats need five levels.
pub const MAX_DEPTH: usize = 32;

/// All nodes of the first document of a text.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands; of a mapping or list the place where it begins.
    pub bytes: Bytes,
    pub content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Content {
    /// A single value; `plain` when it stands without quotes.
    Scalar {
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    List(Vec<NodeId>),
    Map(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key; empty for one that is no single value.
    pub key: String,
    /// Where the key stands.
    pub key_bytes: Bytes,
    pub value: NodeId,
}

/// Why there is no tree.
#[derive(Debug)]
pub enum NoTree {
    /// The parser refused the text.
    Syntax(ScanError, Bytes),
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep(Bytes),
    /// There is no document.
    Empty,
}

impl Node {
    /// Whether nothing stands there: `key:` or `key: null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            _ if self.is_null() => "nothing",
            Content::Scalar { .. } => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }
}

impl Tree {
    /// Reads the first document of `text`.
    pub fn parse(text: &str) -> Result<Self, NoTree> {
        Builder::new(text).build()
    }

    pub fn root(&self) -> NodeId {
        0
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The place that shows the node at `path` best: a value itself, and the key of a mapping or list. Where the path
    /// leads nowhere, the last node on the way.
    pub fn mark(&self, path: &NodePath) -> Bytes {
        let mut here = self.root();
        let mut mark = self.nodes.first().map_or(0..0, |root| root.bytes.clone());
        for step in path.steps() {
            let Some((next, key)) = self.step(here, step) else {
                break;
            };
            here = next;
            let node = &self.nodes[here];
            mark = match (&node.content, key) {
                (Content::Scalar { .. }, _) if !node.bytes.is_empty() => node.bytes.clone(),
                (Content::Map(entries), None) => entries
                    .first()
                    .map_or(node.bytes.clone(), |entry| entry.key_bytes.clone()),
                (_, Some(key)) => key,
                (_, None) => node.bytes.clone(),
            };
        }
        mark
    }

    /// The place of the key at the end of `path`.
    pub fn key_mark(&self, path: &NodePath) -> Bytes {
        let mut here = self.root();
        let mut mark = None;
        for step in path.steps() {
            let Some((next, key)) = self.step(here, step) else {
                break;
            };
            here = next;
            mark = key;
        }
        mark.unwrap_or_else(|| self.mark(path))
    }

    fn step(&self, from: NodeId, step: &Step) -> Option<(NodeId, Option<Bytes>)> {
        match (&self.nodes.get(from)?.content, step) {
            (Content::Map(entries), Step::Key(key)) => entries
                .iter()
                .find(|entry| entry.key == *key)
                .map(|entry| (entry.value, Some(entry.key_bytes.clone()))),
            (Content::List(items), Step::Index(index)) => items.get(*index).map(|id| (*id, None)),
            _ => None,
        }
    }
}

struct Builder<'t> {
    text: &'t str,
    /// Byte of each character: the parser counts characters.
    byte_of: Vec<usize>,
    nodes: Vec<Node>,
    /// Containers that are open, each with a key that waits for its value.
    open: Vec<(NodeId, Option<(String, Bytes)>)>,
    anchors: BTreeMap<usize, NodeId>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let byte_of = text.char_indices().map(|(byte, _)| byte).collect();
        Self {
            text,
            byte_of,
            nodes: Vec::new(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
        }
    }

    fn byte(&self, char_index: usize) -> usize {
        self.byte_of.get(char_index).copied().unwrap_or(self.text.len())
    }

    fn bytes(&self, span: Span) -> Bytes {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        // A block scalar ends where the next node begins: the blanks between do not belong to it.
        let trimmed = self.text[start..end].trim_end().len();
        start..start + trimmed
    }

    fn build(mut self) -> Result<Tree, NoTree> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|why| {
                let at = self.byte(why.marker().index());
                NoTree::Syntax(why, at..at)
            })?;
            let bytes = self.bytes(span);
            match event {
                Event::Scalar(text, style, anchor, _) => {
                    let plain = style == ScalarStyle::Plain;
                    let content = Content::Scalar {
                        text: text.into_owned(),
                        plain,
                    };
                    let id = self.add(bytes, content, anchor);
                    self.place(id);
                }
                Event::SequenceStart(anchor, _) => self.begin(bytes, Content::List(Vec::new()), anchor)?,
                Event::MappingStart(anchor, _) => self.begin(bytes, Content::Map(Vec::new()), anchor)?,
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some((id, _)) = self.open.pop() {
                        self.place(id);
                    }
                }
                Event::Alias(anchor) => {
                    // An unknown alias was refused by the parser; one into itself is refused by the depth below.
                    let id = self.anchors.get(&anchor).copied().unwrap_or(0);
                    self.place(id);
                }
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            }
        }
        if self.nodes.is_empty() {
            return Err(NoTree::Empty);
        }
        Ok(Tree { nodes: self.nodes })
    }

    fn add(&mut self, bytes: Bytes, content: Content, anchor: usize) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node { bytes, content });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn begin(&mut self, bytes: Bytes, content: Content, anchor: usize) -> Result<(), NoTree> {
        if self.open.len() >= MAX_DEPTH {
            return Err(NoTree::TooDeep(bytes));
        }
        let id = self.add(bytes, content, anchor);
        self.open.push((id, None));
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, id: NodeId) {
        let key = match &self.nodes[id].content {
            Content::Scalar { text, .. } => text.clone(),
            _ => String::new(),
        };
        let key_bytes = self.nodes[id].bytes.clone();
        let Some((parent, waiting)) = self.open.last_mut() else {
            return;
        };
        match &mut self.nodes[*parent].content {
            Content::List(items) => items.push(id),
            Content::Map(entries) => match waiting.take() {
                None => *waiting = Some((key, key_bytes)),
                Some((key, key_bytes)) => entries.push(Entry {
                    key,
                    key_bytes,
                    value: id,
                }),
            },
            Content::Scalar { .. } => {}
        }
    }
}
