//! A well-formed XML document as a list of its elements, parents before children: no recursion, whatever the depth.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::Violation;
use crate::xml::odd_character;

/// One element.
#[derive(Debug)]
pub(crate) struct Node {
    /// Name without prefix.
    pub name: String,
    /// Namespace, empty where there is none.
    pub namespace: String,
    /// Text directly within it, references replaced.
    pub text: String,
    /// Children in order, as indices into the list.
    pub children: Vec<usize>,
    /// Line of its opening tag, from 1.
    pub line: usize,
}

/// Elements in document order; the first is the root.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Violation> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut nodes: Vec<Node> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let (mut line, mut counted) = (1, 0);
    let broken = |line: usize, what: String| Violation { path: String::new(), line, problem: what };
    if let Some(odd) = odd_character(text) {
        let line = 1 + text.split(odd).next().unwrap_or_default().matches('\n').count();
        return Err(broken(
            line,
            format!("it has the character {odd:?}, which XML does not have; leave it out"),
        ));
    }
    loop {
        // Lines are counted once, as the reader proceeds.
        let position = (reader.buffer_position() as usize).min(text.len());
        line += text.as_bytes()[counted..position].iter().filter(|&&byte| byte == b'\n').count();
        counted = position;
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|error| broken(line, format!("it is no well-formed XML: {error}; correct it there")))?;
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.0.to_owned(),
            _ => String::new(),
        };
        if let Event::Start(tag) | Event::Empty(tag) = &event {
            check_tag(tag).map_err(|problem| broken(line, problem))?;
        }
        let is_start = matches!(event, Event::Start(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let index = nodes.len();
                match open.last() {
                    Some(&parent) => nodes[parent].children.push(index),
                    None if nodes.is_empty() => {}
                    None => return Err(broken(line, "it has a second root element; remove it".into())),
                }
                let name = tag.local_name().as_ref().to_owned();
                nodes.push(Node { name, namespace, text: String::new(), children: Vec::new(), line });
                if is_start {
                    open.push(index);
                }
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(part) => {
                let part = part.xml10_content();
                match open.last() {
                    Some(&parent) => nodes[parent].text += &part,
                    None if part.trim().is_empty() => {}
                    None => {
                        return Err(broken(
                            line,
                            "there is text outside of the root element; remove it".into(),
                        ));
                    }
                }
            }
            Event::CData(part) => {
                if let Some(&parent) = open.last() {
                    nodes[parent].text += &*part;
                }
            }
            Event::GeneralRef(reference) => {
                let name = (*reference).to_owned();
                let replaced = match reference.resolve_char_ref() {
                    Ok(Some(character)) => {
                        Some(character.to_string()).filter(|text| odd_character(text).is_none())
                    }
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&name).map(String::from),
                    Err(_) => None,
                };
                let Some(replaced) = replaced else {
                    return Err(broken(
                        line,
                        format!("`&{name};` is no reference that XML knows; write the character"),
                    ));
                };
                if let Some(&parent) = open.last() {
                    nodes[parent].text += &replaced;
                }
            }
            Event::Eof => break,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.last(), nodes.is_empty()) {
        (Some(&index), _) => {
            let node = &nodes[index];
            Err(broken(node.line, format!("<{}> is never closed; close it", node.name)))
        }
        (None, true) => Err(broken(1, "it holds no element".into())),
        (None, false) => Ok(nodes),
    }
}

/// Names and attributes of a tag, which the reader passes over.
fn check_tag(tag: &BytesStart<'_>) -> Result<(), String> {
    let name = tag.name().as_ref().to_owned();
    if !name.starts_with(|c: char| c.is_alphabetic() || "_:".contains(c)) {
        return Err(format!("<{name}> is no name of an element; let it begin with a letter"));
    }
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("an attribute of <{name}> is wrong: {error}"))?;
        if attribute.value.contains('<') {
            return Err(format!("an attribute of <{name}> has a `<` in it; write &lt;"));
        }
    }
    Ok(())
}
