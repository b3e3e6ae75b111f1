//! Text in SVG: escaping, sub- and superscripts, widths and line breaks.

use quick_xml::escape::escape;

/// The markup inside a `<text>` element of font size `size`, with `_{...}` lowered and `^{...}` raised.
///
/// Shifts and sizes are in pixels, since not every renderer knows relative ones.
/// Characters that XML 1.0 does not allow at all are left out.
pub(super) fn markup(text: &str, size: f64) -> String {
    let mut markup = String::new();
    for (run, shift) in runs(text) {
        let run: String =
            run.chars().filter(|&c| c == '\t' || c >= ' ' && !"\u{7f}\u{fffe}\u{ffff}".contains(c)).collect();
        let run = escape(&run);
        match shift {
            Shift::None => markup.push_str(&run),
            Shift::Up => markup.push_str(&shifted(&run, size, -0.35 * size)),
            Shift::Down => markup.push_str(&shifted(&run, size, 0.2 * size)),
        }
    }
    markup
}

/// A smaller run moved down by `dy`, and a zero-width space that moves back: `dy` shifts all that follows.
fn shifted(run: &str, size: f64, dy: f64) -> String {
    let (small, back) = (0.72 * size, -dy);
    format!(
        "<tspan dy=\"{dy:.2}\" font-size=\"{small:.1}\">{run}</tspan><tspan dy=\"{back:.2}\">\u{200b}</tspan>"
    )
}

/// The plain text, as for a `<title>`.
pub(super) fn plain(text: &str) -> String {
    escape(runs(text).map(|(run, _)| run).collect::<String>()).into_owned()
}

/// A generous estimate of the width of a text in units of its font size, for a sans-serif font.
pub(super) fn width(text: &str) -> f64 {
    let advance = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | '·' => 0.28,
        ' ' | '(' | ')' | '[' | ']' | 'f' | 't' | 'r' | '/' => 0.34,
        'm' | 'w' | 'M' | 'W' | '%' => 0.87,
        c if c.is_uppercase() => 0.72,
        _ => 0.6,
    };
    let size = |shift| if shift == Shift::None { 1.0 } else { 0.72 };
    runs(text).map(|(run, shift)| size(shift) * run.chars().map(advance).sum::<f64>()).sum()
}

/// Breaks a text at spaces into lines of at most `limit` (in units of the font size).
pub(super) fn wrap(text: &str, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + width(word) + 0.34 <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift {
    None,
    Up,
    Down,
}

/// Splits at `_{...}` and `^{...}`; without the closing brace the characters are themselves.
fn runs(text: &str) -> impl Iterator<Item = (&str, Shift)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((shift, tail)) = opening(rest)
            && let Some((inner, after)) = tail.split_once('}')
        {
            rest = after;
            return Some((inner, shift));
        }
        let next = rest.char_indices().skip(1).find(|&(i, _)| opening(&rest[i..]).is_some());
        let (run, after) = rest.split_at(next.map_or(rest.len(), |(i, _)| i));
        rest = after;
        Some((run, Shift::None))
    })
}

fn opening(text: &str) -> Option<(Shift, &str)> {
    text.strip_prefix("_{")
        .map(|tail| (Shift::Down, tail))
        .or(text.strip_prefix("^{").map(|tail| (Shift::Up, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_escapes_and_shifts() {
        assert_eq!(markup("a < b & \"c\"", 10.0), "a &lt; b &amp; &quot;c&quot;");
        assert_eq!(plain("τ_{int} <x>^{2}"), "τint &lt;x&gt;2");
        assert!(markup("τ_{int}", 10.0).starts_with("τ<tspan dy=\"2.00\" font-size=\"7.2\">int</tspan>"));
        assert_eq!(markup("open _{brace", 10.0), "open _{brace");
        assert_eq!(markup("file_name", 10.0), "file_name");
        assert_eq!(markup("bell\u{7}", 10.0), "bell");
    }

    #[test]
    fn wrapping_keeps_the_words() {
        let text = "one two three four five six";
        let lines = wrap(text, 6.0);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line) <= 6.0));
        assert_eq!(wrap("unbreakable", 1.0), ["unbreakable"]);
        assert!(wrap("", 10.0).is_empty());
    }
}
