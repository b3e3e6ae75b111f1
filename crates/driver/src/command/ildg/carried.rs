//! Which of its users' own records a copy of a file has.

use crate::error::DriverError;
use gaugelink_lattice::file::FileText;
use lime_rs::record_type::{FILE_XML, ILDG_LFN, RECORD_XML, XLF_INFO};
use lime_rs::{FileFormat, GaugeFile, IldgMeta, TextRecord, UserRecord, check_xml};

/// Begins the element that states averages of the links.
const AVERAGES: &str = "<usqcdInfo";

/// Records of the input that its copy has as they are, and the types of those it does not have. `xlf-info` and the logical
/// name are the caller's affair.
pub(super) struct Carried {
    /// The records, without a logical name.
    pub text: FileText,
    /// Types of those that the format has no place for, or that are no text.
    pub left_out: Vec<String>,
}

impl Carried {
    /// From a file to one of format `to`; `refuted` where what the file states of its links is not so: then it is not said
    /// again.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(file: &GaugeFile, to: FileFormat, refuted: bool) -> Result<Self, DriverError> {
        let mut carried = Self { text: FileText::default(), left_out: Vec::new() };
        for UserRecord { kind, text, before } in file.user_records()? {
            let had = match (&*kind, text) {
                (ILDG_LFN, _) => to.has_lfn(),
                (XLF_INFO, _) => to.has_records(),
                (FILE_XML, Some(text)) => carried.user_xml(0, to, text, refuted),
                (RECORD_XML, Some(text)) => carried.user_xml(1, to, text, refuted),
                (_, Some(text)) if to.has_records() => {
                    let place = if before { &mut carried.text.before } else { &mut carried.text.after };
                    place.push(TextRecord::new(&*kind, text));
                    true
                }
                _ => false,
            };
            if !had && !carried.left_out.contains(&kind) {
                carried.left_out.push(kind);
            }
        }
        Ok(carried)
    }

    /// Takes the user's XML on the file (0) or on the field (1). Whether the copy says what it says.
    fn user_xml(&mut self, index: usize, to: FileFormat, text: String, refuted: bool) -> bool {
        let averages = states_averages(&text);
        if to == FileFormat::Grid {
            // It has `usqcdInfo` of its own in either place.
            return averages || is_title(&text);
        }
        let place = &mut self.text.user_xml[index];
        if !to.has_records() {
            return is_title(&text);
        }
        // In formats of records each of these stands once.
        let fits = place.is_none() && !(refuted && averages) && check_xml("", &text).is_ok();
        if fits {
            *place = Some(text);
        }
        fits
    }
}

/// Whether XML has averages of the links, in an element with attributes or without.
fn states_averages(text: &str) -> bool {
    let ends_name = |c: char| c == '>' || c == '/' || c.is_whitespace();
    text.match_indices(AVERAGES).any(|(at, name)| text[at + name.len()..].starts_with(ends_name))
}

/// Whether it is one of the titles that this program writes, which say nothing.
fn is_title(text: &str) -> bool {
    [IldgMeta::FILE_TITLE, IldgMeta::RECORD_TITLE].contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_seen_in_elements_with_attributes() {
        for (text, states) in [
            ("<usqcdInfo><plaq>0.5</plaq></usqcdInfo>", true),
            ("<a/><usqcdInfo version=\"1.0\"><plaq>0.5</plaq></usqcdInfo>", true),
            ("<usqcdInfo\n/>", true),
            ("<usqcdInformation>none</usqcdInformation>", false),
            ("<title>usqcdInfo</title>", false),
        ] {
            assert_eq!(states_averages(text), states, "{text}");
        }
    }
}
