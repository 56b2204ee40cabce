//! A document with wrong keys as it was probably meant, so that its values can be looked at all the same: whoever has to
//! mend a file wants to hear of every mistake in one go.

use super::nearest::nearest;
use super::shape::{MAX_VISITS, Shape};
use super::tree::{Content, Entry, NodeId};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Stands where a value is missing or is something else; the reader passes over it, since it was told of already.
pub const MISSING: &str = "\0";

impl<'s> Shape<'s> {
    /// The node as its schema wants it: mistyped keys by their right names, others left out, what is missing filled in.
    pub(super) fn mended(&self, id: NodeId, schema: &'s Value) -> Value {
        // What is meant by a mistyped key was not visited before, and an alias that multiplies must not take forever.
        self.mended.set(self.mended.get() + 1);
        if self.mended.get() > MAX_VISITS {
            return self.nothing(schema);
        }
        let schema = self.arm_for(id, self.resolve(schema));
        let node = self.tree.node(id);
        match (&node.content, schema["type"].as_str()) {
            (Content::Map(entries), Some("object")) => self.mended_map(entries, schema),
            (Content::List(items), Some("array")) => {
                let item = |item: &NodeId| self.mended(*item, &schema["items"]);
                items.iter().map(item).collect()
            }
            (Content::Scalar { text, .. }, kind)
                if !node.is_null() && !matches!(kind, Some("object" | "array")) =>
            {
                Value::String(text.clone())
            }
            _ => self.nothing(schema),
        }
    }

    fn mended_map(&self, entries: &[Entry], schema: &'s Value) -> Value {
        let mut map = Map::new();
        let properties = schema["properties"].as_object();
        let stands: BTreeSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        for entry in entries {
            let known = properties.and_then(|known| known.get_key_value(&entry.key));
            let meant = || {
                let free = properties?
                    .iter()
                    .filter(|(key, _)| !stands.contains(key.as_str()));
                let name = nearest(&entry.key, free.map(|(key, _)| key.as_str()))?;
                properties?.get_key_value(name)
            };
            let (key, value) = match (known, &schema["additionalProperties"]) {
                (Some(known), _) => known,
                (None, any @ Value::Object(_)) => (&entry.key, any),
                (None, _) => match meant() {
                    Some(meant) => meant,
                    None => continue,
                },
            };
            if !map.contains_key(key) {
                map.insert(key.clone(), self.mended(entry.value, value));
            }
        }
        self.fill(&mut map, schema);
        Value::Object(map)
    }

    /// What a schema takes, with nothing in it.
    fn nothing(&self, schema: &'s Value) -> Value {
        let schema = self.resolve(schema);
        match schema["type"].as_str() {
            Some("object") => {
                let mut map = Map::new();
                self.fill(&mut map, schema);
                Value::Object(map)
            }
            Some("array") => Value::Array(Vec::new()),
            _ => Value::String(MISSING.to_owned()),
        }
    }

    fn fill(&self, map: &mut Map<String, Value>, schema: &'s Value) {
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            if !map.contains_key(key) {
                map.insert(key.to_owned(), self.nothing(&schema["properties"][key]));
            }
        }
    }
}
