//! Section "Gauge field".

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::Shared;
use crate::error::Result;
use crate::group::{by_group, by_groups, colours, grouped};
use crate::lattice::{LatticeHandle, same};
use crate::view::{Home, lend, readable, writable};
use gaugelink_lattice::foreign::{read_view, settle, view, view_mut, write_view};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice};
use gaugelink_physics::observable::{link_trace, plaquette, spatial_plaquette, temporal_plaquette};
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::sync::Arc;

grouped! {
    /// Links.
    Links, GaugeField
}

/// `gaugelink_gauge`.
pub struct Gauge {
    pub context: Arc<Shared>,
    pub links: Links,
    generation: u64,
}

impl Gauge {
    /// Unit links.
    pub fn new(context: &Arc<Shared>, lattice: &Arc<Lattice>, ncolor: u32) -> Result<Self> {
        let links = match colours(ncolor)? {
            1 => Links::U1(GaugeField::cold(lattice)?),
            2 => Links::Su2(GaugeField::cold(lattice)?),
            _ => Links::Su3(GaugeField::cold(lattice)?),
        };
        Ok(Self { context: context.clone(), links, generation: context.next_generation() })
    }
    /// Whether both hold the same links: within a context no two contents have the same generation.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.context, &other.context) && self.generation == other.generation
    }
    /// A copy in memory of its own, of the same generation.
    pub fn duplicate(&self) -> Result<Self> {
        let links = match &self.links {
            Links::U1(u) => Links::U1(u.duplicate()?),
            Links::Su2(u) => Links::Su2(u.duplicate()?),
            Links::Su3(u) => Links::Su3(u.duplicate()?),
        };
        Ok(Self { context: self.context.clone(), links, generation: self.generation })
    }
    pub fn lattice(&self) -> &Arc<Lattice> {
        by_group!(Links, &self.links, u => u.lattice())
    }
    /// Has to follow every change of the links.
    pub fn changed(&mut self) {
        self.generation = self.context.next_generation();
    }
    /// The links where they stand.
    pub fn view(&self) -> View<'_> {
        let mut raw = *by_group!(Links, &self.links, u => view(u)).as_raw();
        raw.generation = self.generation;
        // SAFETY: the same view with a generation.
        unsafe { View::from_raw(&raw const raw, "gauge") }.expect("a view has its size")
    }
    /// The links where they stand, to be written; [`Gauge::settle`] has to follow.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        by_group!(Links, &mut self.links, u => view_mut(u))
    }
    /// After the links were written through a view.
    pub fn settle(&mut self) {
        by_group!(Links, &mut self.links, u => settle(u));
        self.changed();
    }
}

/// Random links where the old ones stand: views that were lent stay good.
fn draw<const N: usize>(links: &mut GaugeField<f64, N>, width: f64, address: Address) -> Result<()> {
    let random = GaugeField::<f64, N>::random(links.lattice(), width, address)?;
    links.copy_from(&random);
    Ok(())
}

impl Home for Gauge {
    fn home(&self) -> (&Shared, &Arc<Lattice>) {
        (&self.context, self.lattice())
    }
}

entries! {
    fn gaugelink_gauge_new(lattice: *const LatticeHandle, ncolor: u32, out: *mut *mut Gauge) {
        give(out, || {
            let handle = get(lattice, "lattice")?;
            Gauge::new(&handle.context, &handle.lattice, ncolor)
        })
    }
    fn gaugelink_gauge_copy(to: *mut Gauge, from: *const Gauge) {
        let (to, from) = (get_mut(to, "to")?, get(from, "from")?);
        same(to.lattice(), from.lattice())?;
        by_groups!(Links, &mut to.links, u; Links, &from.links, v => {
            u.copy_from(v);
            Ok(())
        })?;
        to.changed();
        Ok(())
    }
    fn gaugelink_gauge_random(gauge: *mut Gauge, width: f64, seed: u64) {
        let gauge = get_mut(gauge, "gauge")?;
        by_group!(Links, &mut gauge.links, u => draw(u, width, Address::new(seed, Purpose::Start)))?;
        gauge.changed();
        Ok(())
    }
    fn gaugelink_gauge_read_view(gauge: *mut Gauge, from: *const raw::glk_view) {
        let gauge = get_mut(gauge, "gauge")?;
        let from = readable(from, "from", gauge)?;
        by_group!(Links, &mut gauge.links, u => read_view(&from, 0, u))?;
        gauge.changed();
        Ok(())
    }
    fn gaugelink_gauge_write_view(gauge: *const Gauge, to: *mut raw::glk_view) {
        let gauge = get(gauge, "gauge")?;
        let mut to = writable(to, "to", gauge)?;
        by_group!(Links, &gauge.links, u => write_view(u, &mut to, 0))?;
        Ok(())
    }
    fn gaugelink_gauge_view(gauge: *const Gauge, out: *mut raw::glk_view) {
        let gauge = get(gauge, "gauge")?;
        lend(out, gauge.view().as_raw(), gauge)
    }
    fn gaugelink_gauge_view_mut(gauge: *mut Gauge, out: *mut raw::glk_view) {
        let gauge = get_mut(gauge, "gauge")?;
        let view = *gauge.view_mut().as_view().as_raw();
        lend(out, &view, gauge)
    }
    fn gaugelink_gauge_changed(gauge: *mut Gauge) {
        get_mut(gauge, "gauge")?.settle();
        Ok(())
    }
    fn gaugelink_gauge_plaquette(gauge: *const Gauge, average: *mut f64, spatial: *mut f64, temporal: *mut f64) {
        let links = &get(gauge, "gauge")?.links;
        if let Some(out) = average.as_mut() {
            *out = by_group!(Links, links, u => plaquette(u)[0]);
        }
        if let Some(out) = spatial.as_mut() {
            *out = by_group!(Links, links, u => spatial_plaquette(u).map_or(f64::NAN, |p| p[0]));
        }
        if let Some(out) = temporal.as_mut() {
            *out = by_group!(Links, links, u => temporal_plaquette(u)[0]);
        }
        Ok(())
    }
    fn gaugelink_gauge_link_trace(gauge: *const Gauge, out: *mut f64) {
        *get_mut(out, "out")? = by_group!(Links, &get(gauge, "gauge")?.links, u => link_trace(u)[0]);
        Ok(())
    }
    fn gaugelink_gauge_unitarity(gauge: *const Gauge, out: *mut f64) {
        *get_mut(out, "out")? = by_group!(Links, &get(gauge, "gauge")?.links, u => u.unitarity_violation());
        Ok(())
    }
    fn gaugelink_gauge_reunitarise(gauge: *mut Gauge) {
        let gauge = get_mut(gauge, "gauge")?;
        by_group!(Links, &mut gauge.links, u => u.reunitarise());
        gauge.changed();
        Ok(())
    }
}

frees! {
    fn gaugelink_gauge_free(Gauge);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_gauge_ncolor(gauge: *const Gauge) -> u32 {
    // SAFETY: NULL or a handle that was not freed.
    unsafe { gauge.as_ref() }.map_or(0, |gauge| gauge.links.colours() as u32)
}
