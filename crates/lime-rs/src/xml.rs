//! A lenient reader of the small, flat XML records of ILDG and SciDAC files.
//!
//! Files in the wild have an attribute without its closing quote, declarations after a newline, trailing NULs and
//! namespace prefixes, and must be read. So this scan takes `<name …>text</name>` where it finds it and notes
//! what a strict parser would have refused.

use crate::error::{Error, Result};
use crate::qcdml;

/// One element with the text directly after its opening tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    /// Name without its namespace prefix.
    name: String,
    /// Text up to the next tag, trimmed, with the five predefined entities replaced.
    text: String,
}

/// Elements of an XML record in document order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Document {
    elements: Vec<Element>,
    /// The first thing that makes the record ill-formed.
    pub malformed: Option<String>,
    /// Something precedes the `<?xml` declaration.
    pub displaced_declaration: bool,
}

impl Document {
    /// Reads a record's bytes; NULs and white space around the text do not count.
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches('\0');
        let mut document = Self {
            displaced_declaration: text.trim_start().starts_with("<?xml") && !text.starts_with("<?xml"),
            ..Self::default()
        };
        let mut open: Vec<&str> = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            if let Some((opening, closing)) = skipped(rest) {
                match rest.find(closing) {
                    Some(end) if end >= opening => rest = &rest[end + closing.len()..],
                    _ => {
                        document.complain("a comment or declaration without an end".into());
                        break;
                    }
                }
                continue;
            }
            let Some(tag) = Tag::read(rest) else {
                document.complain("a tag without an end".into());
                break;
            };
            if let Some(complaint) = tag.complaint {
                document.complain(complaint.into());
            }
            rest = &rest[tag.length..];
            if let Some(name) = tag.name.strip_prefix('/') {
                if open.pop() != Some(name) {
                    document.complain(format!("</{name}> closes no open element"));
                }
                continue;
            }
            if !tag.empty {
                open.push(tag.name);
            }
            let text = if tag.empty { "" } else { rest.split('<').next().unwrap_or_default() };
            let name = tag.name.rsplit(':').next().unwrap_or_default();
            document
                .elements
                .push(Element { name: name.into(), text: unescape(text.trim_matches(is_blank)) });
        }
        if let Some(name) = open.pop() {
            document.complain(format!("<{name}> is never closed"));
        }
        if document.elements.is_empty() {
            document.complain("no element at all".into());
        }
        document
    }

    /// Text of the first element of this name, wherever it stands; `None` where there is none or it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let element = self.elements.iter().find(|element| element.name == name)?;
        (!element.text.is_empty()).then_some(&element.text)
    }

    /// Whether there is an element of this name.
    pub fn has(&self, name: &str) -> bool {
        self.elements.iter().any(|element| element.name == name)
    }

    fn complain(&mut self, what: String) {
        self.malformed.get_or_insert(what);
    }
}

/// For a declaration or comment after `<`: the length of its opening and how it ends.
fn skipped(rest: &str) -> Option<(usize, &'static str)> {
    [("!--", "-->"), ("?", "?>"), ("!", ">")]
        .into_iter()
        .find(|(opening, _)| rest.starts_with(opening))
        .map(|(opening, closing)| (opening.len(), closing))
}

struct Tag<'a> {
    /// Name with prefix, and with a slash before it in a closing tag.
    name: &'a str,
    /// Bytes after `<` up to and including `>`.
    length: usize,
    /// `<name/>`.
    empty: bool,
    complaint: Option<&'static str>,
}

impl<'a> Tag<'a> {
    /// Reads a tag after its `<`. A quoted value ends at its closing quote; where a `<` comes first, which no
    /// attribute value may hold, the quote was forgotten and the tag ends at the first `>` after it.
    fn read(rest: &'a str) -> Option<Self> {
        let mut complaint = None;
        let mut position = 0;
        let end = loop {
            position += rest[position..].find(['>', '"', '\''])?;
            let mark = rest[position..].chars().next()?;
            if mark == '>' {
                break position;
            }
            position += 1;
            let value = &rest[position..];
            match value.find([mark, '<']) {
                Some(stop) if value[stop..].starts_with(mark) => position += stop + 1,
                _ => complaint = Some("an attribute without its closing quote"),
            }
        };
        let body = &rest[..end];
        let name = body.split(|c: char| is_blank(c)).next().unwrap_or_default();
        Some(Self {
            name: name.trim_end_matches('/'),
            length: end + 1,
            empty: body.ends_with('/'),
            complaint,
        })
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\0'
}

/// Refuses a record of a new file that strict readers would not parse.
///
/// # Errors
/// [`Error::Unwritable`] for text that is no well-formed XML 1.0; characters that XML does not have are none.
pub fn check_xml(kind: &str, text: &str) -> Result<()> {
    let problem = match qcdml::tree::read(text.trim_end_matches('\0')) {
        Ok(_) => return Ok(()),
        Err(violation) => violation.problem,
    };
    let detail = format!(
        "`{kind}` would be no XML that its readers take: {problem}; give a document such as <info>text</info>"
    );
    Err(Error::Unwritable { detail })
}

/// The first character that no XML document may have, Char of XML 1.0: control characters but tab and the ends of lines.
pub fn odd_character(text: &str) -> Option<char> {
    let is_odd = |c: char| (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().find(|&c| is_odd(c))
}

/// Text as it may stand within an element.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(document: &'a Document, name: &str) -> &'a str {
        document.text(name).unwrap_or("-")
    }

    #[test]
    fn plain_document() {
        let document = Document::read(b"<?xml version=\"1.0\"?><a><lx> 4 </lx>\n<e/><lt>8</lt></a>\0");
        assert_eq!((text(&document, "lx"), text(&document, "lt"), text(&document, "e")), ("4", "8", "-"));
        assert_eq!((document.malformed, document.displaced_declaration), (None, false));
    }

    #[test]
    fn prefixes_attributes_and_comments_do_not_matter() {
        let xml = b"<i:f xmlns:i=\"u>v\" x='\"'><!-- <lx>1</lx> --><i:lx unit=\"a\">16</i:lx></i:f>";
        let document = Document::read(xml);
        assert_eq!(text(&document, "lx"), "16");
        assert_eq!(document.malformed, None);
    }

    #[test]
    fn an_unclosed_quote_costs_nothing_but_a_complaint() {
        let document = Document::read(b"<f xsi:loc=\"http://x filefmt.xsd><v>1.0</v><lx>4</lx></f>\0");
        assert_eq!((text(&document, "v"), text(&document, "lx")), ("1.0", "4"));
        assert!(document.malformed.unwrap().contains("quote"));
        // A quote further on does not close it.
        let document = Document::read(b"<f loc=\"x.xsd><v>1.0</v><lx unit=\"a\">4</lx></f>");
        assert_eq!((text(&document, "v"), text(&document, "lx")), ("1.0", "4"));
    }

    #[test]
    fn unbalanced_elements_are_noticed() {
        for xml in ["<a><b>1</a>", "<a>", "<a", "text only", "", "<a>1</b>", "<!-- x", "</a>"] {
            assert!(Document::read(xml.as_bytes()).malformed.is_some(), "{xml}");
        }
    }

    #[test]
    fn a_declaration_after_a_newline_is_noticed() {
        let document = Document::read(b"\n<?xml version=\"1.0\"?>\n<a>1</a>");
        assert!(document.displaced_declaration && document.malformed.is_none());
        assert_eq!(text(&document, "a"), "1");
    }

    #[test]
    fn binary_junk_is_survived() {
        let document = Document::read(b"\x00\xff\xfe<\x80><lx>\xf04</lx>\x01<\"");
        assert!(document.text("lx").is_some() && document.malformed.is_some());
    }

    #[test]
    fn what_strict_readers_do_not_parse_is_not_written() {
        for xml in [
            "<a/>",
            "<?xml version=\"1.0\"?>\n<a b=\"c\">\td &lt; &#233; <!-- e --></a>\0",
            "<a>\u{e4}\u{7f}</a>",
        ] {
            assert!(check_xml("x", xml).is_ok(), "{xml}");
        }
        for xml in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>\u{1}</a>",
            "<a>\u{ffff}</a>",
            "<a>&#1;</a>",
            "<a>&b;</a>",
            "<a b=\"\u{1}\"/>",
            "<a>b & c</a>",
            "<a/>text",
            "<a b=c/>",
            "<a b=\"1\" b=\"2\"/>",
            "<a b=\"<\"/>",
            "<1/>",
            "<a><!-- \u{2} --></a>",
        ] {
            let text = check_xml("x", xml).expect_err(xml).to_string();
            assert!(text.contains("`x` would be no XML"), "{text}");
        }
    }

    #[test]
    fn entities_are_replaced_once() {
        assert_eq!(text(&Document::read(b"<a>&amp;lt; &lt;</a>"), "a"), "&lt; <");
        let odd = "a<b>&amp;c";
        assert_eq!(text(&Document::read(format!("<a>{}</a>", escape(odd)).as_bytes()), "a"), odd);
    }
}
