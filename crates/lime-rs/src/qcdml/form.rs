//! The forms of values in QCDml documents: XML Schema's simple types, QCDml's patterns, and two rules of ILDG itself:
//! names begin with `lfn://` or `mc://`, and `crcCheckSum` is what POSIX `cksum` prints.

/// What the text of an element must be. White space around it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    NonEmpty,
    Uri,
    Lfn,
    ChainUri,
    Boolean,
    Integer,
    NonNegative,
    Positive,
    Double,
    DateTime,
    Date,
    Name,
    Orcid,
    Field,
    GaugeGroup,
    Cksum,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Form {
    /// What is needed instead, where the text is not of this form.
    pub fn complaint(self, text: &str) -> Option<String> {
        let text = text.trim();
        let good = match self {
            Self::Text => true,
            Self::NonEmpty => !text.is_empty(),
            Self::Uri => is_uri(text),
            Self::Lfn => text.strip_prefix("lfn://").is_some_and(is_uri),
            Self::ChainUri => text.strip_prefix("mc://").is_some_and(is_uri),
            Self::Boolean => ["true", "false", "0", "1"].contains(&text),
            Self::Integer => is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)),
            Self::NonNegative => is_digits(text.strip_prefix('+').unwrap_or(text)),
            Self::Positive => {
                let digits = text.strip_prefix('+').unwrap_or(text);
                is_digits(digits) && digits.bytes().any(|byte| byte != b'0')
            }
            Self::Double => is_double(text),
            Self::DateTime => is_date_time(text),
            Self::Date => split_zone(text).is_some_and(|(date, _)| is_date(date)),
            Self::Name => {
                let mut characters = text.chars();
                characters.next().is_some_and(|first| first.is_alphabetic() || "_:".contains(first))
                    && characters.all(|c| c.is_alphanumeric() || "_:-.".contains(c))
            }
            Self::Orcid => is_orcid(text),
            Self::Field => is_field(text),
            Self::GaugeGroup => is_group(text),
            Self::Cksum => is_digits(text) && text.parse::<u32>().is_ok(),
            Self::Word(words) => words.contains(&text),
        };
        (!good).then(|| self.needed())
    }

    fn needed(self) -> String {
        match self {
            Self::Text | Self::NonEmpty => "it must not be empty".into(),
            Self::Uri => "give a URI, without white space".into(),
            Self::Lfn => "give a logical file name, lfn://grid/collaboration/…".into(),
            Self::ChainUri => "give the URI of the ensemble, mc://grid/collaboration/…".into(),
            Self::Boolean => "write true or false".into(),
            Self::Integer => "write an integer".into(),
            Self::NonNegative => "write an integer of at least 0".into(),
            Self::Positive => "write an integer of at least 1".into(),
            Self::Double => "write a number, e.g. 0.5937 or 5.937E-1".into(),
            Self::DateTime => "write date and time, e.g. 2024-05-31T23:59:00Z".into(),
            Self::Date => "write a date, e.g. 2024-05-31".into(),
            Self::Name => "write an XML name: a letter first, then letters, digits, `.`, `-`, `_`".into(),
            Self::Orcid => "write an ORCID, 0000-0000-0000-0000".into(),
            Self::Field => "write the field's name, e.g. su3gauge".into(),
            Self::GaugeGroup => "write the group, e.g. SU(3)".into(),
            Self::Cksum => {
                "write what `cksum` prints for the payload of ildg-binary-data: a decimal number below 2^32"
                    .into()
            }
            Self::Word(words) => format!("write one of {}", words.join(", ")),
        }
    }
}

fn is_uri(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// xs:double, which knows INF and NaN but no `infinity`, and no hexadecimal.
fn is_double(text: &str) -> bool {
    if ["INF", "-INF", "NaN"].contains(&text) {
        return true;
    }
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.parse::<f64>().is_ok()
}

/// Splits a time zone off: `Z`, `+01:00`, or none.
fn split_zone(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_suffix('Z') {
        return Some((rest, "Z"));
    }
    let Some(at) = text.len().checked_sub(6).filter(|&at| text.is_char_boundary(at)) else {
        return Some((text, ""));
    };
    let (rest, zone) = text.split_at(at);
    match zone.strip_prefix(['+', '-']) {
        Some(offset) if zone.as_bytes()[3] == b':' => {
            let (hours, minutes) = offset.split_once(':')?;
            let fits = two(hours)? <= 14 && two(minutes)? < 60;
            fits.then_some((rest, zone))
        }
        _ => Some((text, "")),
    }
}

fn two(text: &str) -> Option<u8> {
    (text.len() == 2 && is_digits(text)).then(|| text.parse().ok())?
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut part = |digits: usize| parts.next().filter(|part| part.len() == digits && is_digits(part));
    let date = part(4).zip(part(2)).zip(part(2));
    date.is_some_and(|((year, month), day)| {
        let [month, day] = [month, day].map(|part| part.parse().unwrap_or(0));
        jiff::civil::Date::new(year.parse().unwrap_or(0), month, day).is_ok()
    })
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = split_zone(text).and_then(|(rest, _)| rest.split_once('T')) else {
        return false;
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let clock: Option<Vec<u8>> = clock.split(':').map(two).collect();
    is_date(date)
        && is_digits(fraction)
        && matches!(clock.as_deref(), Some(&[hour, minute, second]) if hour < 24 && minute < 60 && second < 60)
}

fn is_orcid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == 4 && groups.iter().all(|group| group.len() == 4 && is_digits(group))
}

/// Digits of a number of at least `least` without leading zeros.
fn is_rank(digits: &str, least: u64) -> bool {
    is_digits(digits)
        && !digits.starts_with('0')
        && (digits.len() > 1 || digits.parse().is_ok_and(|n: u64| n >= least))
}

fn is_even_rank(digits: &str) -> bool {
    is_rank(digits, 4) && digits.ends_with(['0', '2', '4', '6', '8'])
}

/// `su3gauge` with an optional `#` or `_` and a label, `sp4gauge`, `u1gauge`, `u1phase`, …
fn is_field(text: &str) -> bool {
    if text == "u1phase" {
        return true;
    }
    let Some((group, label)) = text.split_once("gauge") else { return false };
    let plain = label.is_empty();
    if let Some(digits) = group.strip_prefix("su").or_else(|| group.strip_prefix("so")) {
        let labelled = label
            .strip_prefix(['#', '_'])
            .is_some_and(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        return is_rank(digits, 2) && (plain || digits.len() == 1 && labelled);
    }
    match group.strip_prefix("sp") {
        Some(digits) => plain && is_even_rank(digits),
        None => plain && group.strip_prefix('u').is_some_and(|digits| is_rank(digits, 1)),
    }
}

/// `SU(3)`, `SO(4)`, `Sp(4)`, `U(1)`.
fn is_group(text: &str) -> bool {
    let Some((name, digits)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return false;
    };
    match name {
        "SU" | "SO" => is_rank(digits, 2),
        "Sp" => is_even_rank(digits),
        "U" => is_rank(digits, 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(form.complaint(text), None, "{form:?}: {text}");
        }
        for text in bad {
            assert!(form.complaint(text).is_some(), "{form:?}: {text}");
        }
    }

    #[test]
    fn values_follow_the_schema() {
        cases(Form::Lfn, &["lfn://ldg/x/1000"], &["", "lfn://", "mc://a", "lfn://a b"]);
        cases(Form::ChainUri, &["mc://ldg/x"], &["lfn://a", "mc://"]);
        cases(Form::Boolean, &["true", "0"], &["yes", "TRUE", ""]);
        cases(Form::Integer, &["-3", "+3"], &["3.0", "-", ""]);
        cases(Form::NonNegative, &["0", " 7\n"], &["-1", "1e3"]);
        cases(Form::Positive, &["1", "010"], &["0", "00", "-1"]);
        cases(Form::Double, &["0.5", "-1E-3", "INF", "NaN", ".5", "5."], &["inf", "nan", "", "1,5", "0x1"]);
        cases(
            Form::DateTime,
            &["2024-02-29T23:59:59Z", "2004-09-20T09:34:47+09:00", "2004-09-20T09:34:47.25"],
            &[
                "2023-02-29T00:00:00Z",
                "2024-01-01",
                "2024-01-01 00:00:00",
                "2024-01-01T24:00:01Z",
                "2024-01-01T00:00Z",
                "2024-1-1T00:00:00Z",
                "2024-01-01T00:00:00+15:00",
                "Thu Apr 14 17:20:32 2022 UTC",
                "ééééé",
            ],
        );
        cases(
            Form::Date,
            &["2024-12-31", "2024-12-31Z"],
            &["2024-13-01", "31.12.2024", "2024-12-31T00:00:00"],
        );
        cases(Form::Name, &["beta", "_x-1.2"], &["1a", "a b", ""]);
        cases(Form::Orcid, &["0000-0002-1825-0097"], &["0000-0002-1825-009", "0000000218250097"]);
        cases(
            Form::Field,
            &["su3gauge", "su2gauge#a1", "so12gauge", "sp4gauge", "sp10gauge", "u1gauge", "u1phase"],
            &[
                "su1gauge",
                "su3",
                "sp5gauge",
                "sp2gauge",
                "u0gauge",
                "su12gauge_x",
                "su3gauge#",
                "gauge",
                "su03gauge",
            ],
        );
        cases(
            Form::GaugeGroup,
            &["SU(3)", "U(1)", "Sp(4)", "SO(10)"],
            &["su(3)", "SU3", "SU(1)", "Sp(3)", "SU(3"],
        );
        cases(Form::Cksum, &["0", "4294967295"], &["4294967296", "-1", "0x12", "a2c41090", ""]);
        cases(Form::Word(&["single", "double"]), &["single"], &["Single", ""]);
    }
}
