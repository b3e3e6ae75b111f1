//! A progress bar on standard error: for a person at a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `total` steps with a word on what is done. Invisible where standard error is no terminal.
pub(crate) fn bar(what: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style =
        ProgressStyle::with_template("{prefix:<12} [{bar:30}] {pos}/{len}  {elapsed}, {eta} left  {msg}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// Files below this many bytes are read before a bar could be seen.
const WORTH_A_BAR: u64 = 64 << 20;

/// A bar of `total` bytes; invisible for small files too.
pub(crate) fn bytes(what: &str, total: u64) -> ProgressBar {
    if total < WORTH_A_BAR {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template(
        "{prefix:<12} [{bar:30}] {bytes}/{total_bytes}  {binary_bytes_per_sec}, {eta} left  {msg}",
    );
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what.to_owned());
    bar
}
