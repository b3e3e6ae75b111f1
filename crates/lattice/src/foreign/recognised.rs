//! Layouts that were compared before.

use super::Foreign;
use super::describe::{in_place, matches};
use crate::lattice::Lattice;
use gaugelink_plugin_sdk::{LayoutId, View};

/// Layouts kept: an input's and an output's, each of two functions.
const PLACES: usize = 4;

/// Layouts that were found to be a field's own, by the names that an object's views give them, so that the views of later
/// calls are not compared again. For one kind of field on one lattice.
#[derive(Debug, Default)]
pub struct Recognised {
    layouts: [Option<LayoutId>; PLACES],
    /// The place that is overwritten next.
    next: usize,
}

impl Recognised {
    /// [`matches()`](super::matches()), looked at as little as is needed.
    #[inline]
    pub fn matches<F: Foreign>(&mut self, view: &View<'_>, lattice: &Lattice) -> bool {
        self.has(view) || self.learn::<F>(view, lattice)
    }
    /// Whether the view's layout is known to match, and its memory is where a field can stand.
    #[inline]
    pub fn has(&self, view: &View<'_>) -> bool {
        let layout = view.layout();
        // `contains`, and `map`, would be calls.
        let [a, b, c, d] = &self.layouts;
        let known = *a == layout || *b == layout || *c == layout || *d == layout;
        layout.is_some() && known && in_place(view)
    }
    #[cold]
    fn learn<F: Foreign>(&mut self, view: &View<'_>, lattice: &Lattice) -> bool {
        let own = matches::<F>(view, lattice);
        if own && view.layout().is_some() && !self.layouts.contains(&view.layout()) {
            self.layouts[self.next] = view.layout();
            self.next = (self.next + 1) % PLACES;
        }
        own
    }
}
