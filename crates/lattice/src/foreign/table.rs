//! Where each site of a field stands, as the site table of a view.

use crate::geometry::unravel;
use crate::layout::Layout;
use std::sync::OnceLock;

/// The tables that views have asked for: one for each number of reals on a site, kept as long as the lattice.
#[derive(Default)]
pub(crate) struct SiteTables(OnceLock<Box<Entry>>);

struct Entry {
    reals: usize,
    table: Box<[i64]>,
    next: SiteTables,
}

impl SiteTables {
    /// For each local site in lexicographic order, the number of scalars before its first one in a field of `reals`
    /// real numbers a site.
    pub fn of(&self, layout: &Layout, reals: usize) -> &[i64] {
        let entry = self.0.get_or_init(|| {
            Box::new(Entry { reals, table: table(layout, reals), next: SiteTables::default() })
        });
        if entry.reals == reals { &entry.table } else { entry.next.of(layout, reals) }
    }
}

fn table(layout: &Layout, reals: usize) -> Box<[i64]> {
    let local = layout.geometry().local_extents();
    let place = |lex| {
        let (block, lane) = layout.locate(&unravel(lex, &local));
        (block * reals * layout.lanes() + lane) as i64
    };
    (0..layout.geometry().local_volume()).map(place).collect()
}
