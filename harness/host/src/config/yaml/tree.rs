//! Where each node of a document stands.
//!
//! Built from the parser's events, not from a loaded value: so that duplicate keys are still there and an alias stays
//! one reference, however often it multiplies.

use super::file_error::{Bytes, Problem};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A node by its number.
pub type NodeId = usize;

/// Deepest nesting that is taken; the formats need five levels.
const MAX_DEPTH: usize = 32;

/// All nodes of a document.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands; of a mapping or list the place where it begins.
    pub bytes: Bytes,
    pub content: NodeContent,
}

#[derive(Debug, Clone)]
pub enum NodeContent {
    Scalar {
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    List(Vec<NodeId>),
    Map(Vec<MapEntry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone, Copy)]
pub struct MapEntry {
    pub key: NodeId,
    pub value: NodeId,
}

/// What a message about a value points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct KeyPlace {
    /// The node that shows the value best.
    mark: NodeId,
    /// The key that the value stands under, or the list that it is an item of; the root where there is none.
    key: NodeId,
}

impl Node {
    /// Whether nothing stands there: `key:` or `key: null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, NodeContent::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            _ if self.is_null() => "nothing",
            NodeContent::Scalar { .. } => "a single value",
            NodeContent::List(_) => "a list",
            NodeContent::Map(_) => "a mapping",
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[MapEntry] {
        match &self.content {
            NodeContent::Map(entries) => entries,
            NodeContent::Scalar { .. } | NodeContent::List(_) => &[],
        }
    }
}

impl Tree {
    /// The node of the whole document.
    pub const ROOT: NodeId = 0;

    /// Parses `text`, which has to be one document.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Builder::new(text).build()
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The text of a key; empty for a mapping or list.
    pub fn key(&self, id: NodeId) -> &str {
        match &self.nodes[id].content {
            NodeContent::Scalar { text, .. } => text,
            NodeContent::List(_) | NodeContent::Map(_) => "",
        }
    }

    /// The place of a value: a single value shows itself, a mapping or list is shown by its key, and one without a key by
    /// the first key in it.
    pub fn place(&self, value: NodeId, key: NodeId, is_item: bool) -> KeyPlace {
        let node = &self.nodes[value];
        let has_key = key != Self::ROOT && !is_item;
        let mark = match &node.content {
            NodeContent::Scalar { .. } if !node.bytes.is_empty() => value,
            _ if has_key => key,
            NodeContent::Map(entries) => entries.first().map_or(value, |entry| entry.key),
            NodeContent::Scalar { .. } | NodeContent::List(_) => value,
        };
        KeyPlace { mark, key }
    }

    /// Where the value stands.
    pub fn mark(&self, place: KeyPlace) -> Bytes {
        self.nodes[place.mark].bytes.clone()
    }

    /// Where its key stands.
    pub fn key_mark(&self, place: KeyPlace) -> Bytes {
        self.nodes[place.key].bytes.clone()
    }

    /// The key that it stands under; none for the whole document.
    pub fn key_of(&self, place: KeyPlace) -> Option<&str> {
        (place.key != Self::ROOT).then(|| self.key(place.key))
    }
}

impl KeyPlace {
    /// The numbers that [`Deserialize`] makes a place of.
    pub(super) fn numbers(self) -> [NodeId; 2] {
        [self.mark, self.key]
    }
}

struct Builder<'t> {
    text: &'t str,
    /// Byte of each character: the parser counts characters.
    byte_of: Vec<usize>,
    nodes: Vec<Node>,
    /// Mappings and lists that have not ended, each with a key that waits for its value.
    open: Vec<(NodeId, Option<NodeId>)>,
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

    fn build(mut self) -> Result<Tree, Problem> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|why| self.syntax(&why))?;
            let bytes = self.bytes(span);
            match event {
                Event::Scalar(text, style, anchor, _) => {
                    let content = NodeContent::Scalar {
                        text: text.into_owned(),
                        plain: style == ScalarStyle::Plain,
                    };
                    let id = self.add(bytes, content, anchor);
                    self.put(id);
                }
                Event::SequenceStart(anchor, _) => {
                    self.begin(bytes, NodeContent::List(Vec::new()), anchor)?
                }
                Event::MappingStart(anchor, _) => self.begin(bytes, NodeContent::Map(Vec::new()), anchor)?,
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some((id, _)) = self.open.pop() {
                        self.put(id);
                    }
                }
                Event::Alias(anchor) => {
                    // An unknown alias was refused by the parser. One into itself is never followed for ever: the structs
                    // that are filled are not recursive.
                    let id = self.anchors.get(&anchor).copied().unwrap_or(Tree::ROOT);
                    self.put(id);
                }
                // What follows would be ignored without a word.
                Event::DocumentStart(_) if !self.nodes.is_empty() => return Err(several(bytes)),
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
            }
        }
        match self.nodes.first() {
            Some(root) if !root.is_null() => Ok(Tree { nodes: self.nodes }),
            _ => Err(Problem::whole("the file is empty")),
        }
    }

    fn add(&mut self, bytes: Bytes, content: NodeContent, anchor: usize) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node { bytes, content });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn begin(&mut self, bytes: Bytes, content: NodeContent, anchor: usize) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Problem::at(bytes, message, "one level too deep"));
        }
        let id = self.add(bytes, content, anchor);
        self.open.push((id, None));
        Ok(())
    }

    /// Puts a node that is complete into the mapping or list around it.
    fn put(&mut self, id: NodeId) {
        let Some((parent, waiting)) = self.open.last_mut() else {
            return;
        };
        match &mut self.nodes[*parent].content {
            NodeContent::List(items) => items.push(id),
            NodeContent::Map(entries) => match waiting.take() {
                None => *waiting = Some(id),
                Some(key) => entries.push(MapEntry { key, value: id }),
            },
            NodeContent::Scalar { .. } => {}
        }
    }

    fn syntax(&self, why: &ScanError) -> Problem {
        // What ends too early is shown at the end of its last line, not behind it.
        let at = self.byte(why.marker().index()).min(self.text.trim_end().len());
        let line_start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = &self.text[line_start..];
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let tab = indent.find('\t').map(|n| line_start + n);
        let at = tab.unwrap_or(at);
        let mark = at..at + self.text[at..].chars().next().map_or(0, char::len_utf8);
        let problem = Problem::at(mark, format!("invalid YAML: {}", why.info()), "here");
        match tab {
            Some(_) => problem.help("indent with blanks, not with a tab"),
            None => problem,
        }
    }
}

fn several(second: Bytes) -> Problem {
    let message = "expected one YAML document, found several";
    Problem::at(second, message, "the second one begins here").help("write one file for each")
}
