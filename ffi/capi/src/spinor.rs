//! Section "Spinor field".

use crate::boundary::{entries, frees, get, get_mut, give};
use crate::context::Shared;
use crate::dirac::phases;
use crate::error::{Failure, Result};
use crate::group::{by_group, by_groups, colours, grouped};
use crate::lattice::{LatticeHandle, extents, same};
use crate::view::{Home, lend, readable, writable};
use gaugelink_lattice::foreign::{read_view, settle, view, view_mut, write_view};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{DIM_MAX, Lattice};
use gaugelink_physics::dirac::{SPINS, SpinorField};
use gaugelink_plugin_sdk::{View, ViewMut, raw};
use std::sync::Arc;

grouped! {
    /// Spinors.
    Spinors, SpinorField
}

/// The same code for the fields of several spinors, `&` or `&mut`, all of the group of the first, of which there is one.
macro_rules! by_spinors {
    ($borrow:tt $($mut:ident)?, $spinors:expr, $fields:ident => $body:expr) => {{
        let spinors = $spinors;
        $crate::spinor::by_spinors!(@each ($borrow $($mut)?) spinors, $fields => $body; U1 Su2 Su3)
    }};
    (@each $borrow:tt $spinors:ident, $fields:ident => $body:expr; $($group:ident)*) => {
        match $spinors[0].field {
            $(Spinors::$group(_) => {
                let $fields: Vec<_> = $spinors
                    .into_iter()
                    .filter_map(|psi| match $crate::spinor::by_spinors!(@field $borrow psi) {
                        Spinors::$group(field) => Some(field),
                        _ => None,
                    })
                    .collect();
                $body
            })*
        }
    };
    (@field ($borrow:tt $($mut:ident)?) $psi:ident) => { $borrow $($mut)? $psi.field };
}
pub(crate) use by_spinors;

/// `gaugelink_spinor`.
pub struct Spinor {
    pub context: Arc<Shared>,
    pub field: Spinors,
    generation: u64,
}

impl Spinor {
    /// Zero.
    pub fn new(handle: &LatticeHandle, ncolor: u32) -> Result<Self> {
        let lattice = &handle.lattice;
        if lattice.dims() != DIM_MAX {
            return Err(Failure::invalid("spinors of four components need a lattice of four dimensions"));
        }
        let field = match colours(ncolor)? {
            1 => Spinors::U1(SpinorField::zeroed(lattice)?),
            2 => Spinors::Su2(SpinorField::zeroed(lattice)?),
            _ => Spinors::Su3(SpinorField::zeroed(lattice)?),
        };
        let context = handle.context.clone();
        Ok(Self { field, generation: context.next_generation(), context })
    }
    pub fn lattice(&self) -> &Arc<Lattice> {
        by_group!(Spinors, &self.field, psi => psi.lattice())
    }
    /// Has to follow every change of the numbers.
    pub fn changed(&mut self) {
        self.generation = self.context.next_generation();
    }
    /// The field where it stands.
    pub fn view(&self) -> View<'_> {
        let mut raw = *by_group!(Spinors, &self.field, psi => view(psi)).as_raw();
        raw.generation = self.generation;
        // SAFETY: the same view with a generation.
        unsafe { View::from_raw(&raw const raw, "spinor") }.expect("a view has its size")
    }
    /// The field where it stands, to be written; [`Spinor::settle`] has to follow.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        by_group!(Spinors, &mut self.field, psi => view_mut(psi))
    }
    /// After the field was written through a view.
    pub fn settle(&mut self) {
        by_group!(Spinors, &mut self.field, psi => settle(psi));
        self.changed();
    }
}

impl Home for Spinor {
    fn home(&self) -> (&Shared, &Arc<Lattice>) {
        (&self.context, self.lattice())
    }
}

entries! {
    fn gaugelink_spinor_new(lattice: *const LatticeHandle, ncolor: u32, out: *mut *mut Spinor) {
        give(out, || Spinor::new(get(lattice, "lattice")?, ncolor))
    }
    fn gaugelink_spinor_copy(to: *mut Spinor, from: *const Spinor) {
        let (to, from) = (get_mut(to, "to")?, get(from, "from")?);
        same(to.lattice(), from.lattice())?;
        by_groups!(Spinors, &mut to.field, a; Spinors, &from.field, b => {
            a.copy_from(b);
            Ok(())
        })?;
        to.changed();
        Ok(())
    }
    fn gaugelink_spinor_read_view(spinor: *mut Spinor, from: *const raw::glk_view) {
        let spinor = get_mut(spinor, "spinor")?;
        let from = readable(from, "from", spinor)?;
        by_group!(Spinors, &mut spinor.field, psi => read_view(&from, 0, psi))?;
        spinor.changed();
        Ok(())
    }
    fn gaugelink_spinor_write_view(spinor: *const Spinor, to: *mut raw::glk_view) {
        let spinor = get(spinor, "spinor")?;
        let mut to = writable(to, "to", spinor)?;
        by_group!(Spinors, &spinor.field, psi => write_view(psi, &mut to, 0))?;
        Ok(())
    }
    fn gaugelink_spinor_view(spinor: *const Spinor, out: *mut raw::glk_view) {
        let spinor = get(spinor, "spinor")?;
        lend(out, spinor.view().as_raw(), spinor)
    }
    fn gaugelink_spinor_view_mut(spinor: *mut Spinor, out: *mut raw::glk_view) {
        let spinor = get_mut(spinor, "spinor")?;
        let view = *spinor.view_mut().as_view().as_raw();
        lend(out, &view, spinor)
    }
    fn gaugelink_spinor_changed(spinor: *mut Spinor) {
        get_mut(spinor, "spinor")?.settle();
        Ok(())
    }
    fn gaugelink_spinor_point(spinor: *mut Spinor, site: *const i64, spin: u32, colour: u32) {
        let spinor = get_mut(spinor, "spinor")?;
        get(site, "site")?;
        let place = extents(std::slice::from_raw_parts(site, DIM_MAX))?;
        let place: [usize; DIM_MAX] = std::array::from_fn(|mu| place[mu]);
        let sides = spinor.lattice().geometry().extents();
        let inside = (0..DIM_MAX).all(|mu| place[mu] < sides[mu]);
        let (spin, colour) = (spin as usize, colour as usize);
        if !inside || spin >= SPINS || colour >= spinor.field.colours() {
            return Err(Failure::invalid(format!(
                "site {place:?}, spin {spin}, colour {colour}: the lattice is {sides:?}, with {SPINS} spins and {} \
                 colours",
                spinor.field.colours()
            )));
        }
        by_group!(Spinors, &mut spinor.field, psi => psi.set_point_source(&place, spin, colour));
        spinor.changed();
        Ok(())
    }
    fn gaugelink_spinor_gaussian(spinor: *mut Spinor, seed: u64) {
        let spinor = get_mut(spinor, "spinor")?;
        let address = Address::new(seed, Purpose::Source);
        by_group!(Spinors, &mut spinor.field, psi => psi.set_gaussian(address));
        spinor.changed();
        Ok(())
    }
    fn gaugelink_spinor_turn_tmlqcd(spinor: *mut Spinor, given: *const f64, back: i32) {
        let spinor = get_mut(spinor, "spinor")?;
        let turns = phases(given);
        if !turns.iter().all(|turn| turn.is_finite()) {
            return Err(Failure::invalid(format!("phases {turns:?}: they must be finite, 0.5 is antiperiodic")));
        }
        by_group!(Spinors, &mut spinor.field, psi => match back {
            0 => psi.turn_from_tmlqcd(turns),
            _ => psi.turn_to_tmlqcd(turns),
        });
        spinor.changed();
        Ok(())
    }
    fn gaugelink_spinor_norm2(spinor: *const Spinor, out: *mut f64) {
        *get_mut(out, "out")? = by_group!(Spinors, &get(spinor, "spinor")?.field, psi => psi.norm2()[0]);
        Ok(())
    }
}

frees! {
    fn gaugelink_spinor_free(Spinor);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gaugelink_spinor_ncolor(spinor: *const Spinor) -> u32 {
    // SAFETY: NULL or a handle that was not freed.
    unsafe { spinor.as_ref() }.map_or(0, |spinor| spinor.field.colours() as u32)
}
