//! D with Dirichlet boundaries on all blocks of one colour, in its even-odd form on the odd sites.
//!
//! As [`super::super::Schur`], S = 1 − A_oo⁻¹ D_oe A_ee⁻¹ D_eo, on the lattice inside of [`Blocks`]: with copies of the links, those
//! that leave a block being zero, and of the clover term's inverse.

use crate::PhysicsError;
use crate::dirac::blocks::Blocks;
use crate::dirac::boundary::{Boundary, BoundaryTable};
use crate::dirac::chiral;
use crate::dirac::clover::Clover;
use crate::dirac::hop_kernel::{HopKernel, Matrices, Streams};
use crate::dirac::spinor::SpinorField;
use crate::dirac::wilson::{Wilson, hop_flops};
use gaugelink_lattice::{Field, FieldReader, FieldWriter, Real};

/// The parities of sites.
const EVEN: usize = 0;
const ODD: usize = 1;

/// D on one colour's blocks.
#[derive(Debug)]
pub(super) struct BlockOperator<T, const N: usize> {
    links: Field<T>,
    /// No link of a block crosses an edge that has a phase.
    table: BoundaryTable<T>,
    diagonal: f64,
    /// A⁻¹, where A is no number.
    inverses: Option<Field<T>>,
}

impl<T: Real, const N: usize> BlockOperator<T, N> {
    /// # Errors
    /// [`PhysicsError::Parameter`] where the clover term is singular on a site; no memory.
    pub fn new(wilson: &Wilson<'_, T, N>, blocks: &Blocks<T>, colour: usize) -> Result<Self, PhysicsError> {
        let mut links = Field::zeroed(blocks.inside(), wilson.links().reals())?;
        blocks.gather(colour, &mut links, 0, wilson.links());
        blocks.cut_links(&mut links);
        let inverses = match wilson.clover() {
            Some(clover) => {
                let mut inverses = Field::zeroed(blocks.inside(), chiral::reals(N))?;
                blocks.gather(colour, &mut inverses, 0, clover.inverse_field()?);
                Some(inverses)
            }
            None => None,
        };
        let table = BoundaryTable::new(blocks.inside().layout::<T>(), &Boundary::periodic());
        Ok(Self { links, table, diagonal: wilson.diagonal(), inverses })
    }

    /// `out` ← a φ + b H ψ, or a φ + b A⁻¹ H ψ, on the sites of one parity.
    fn hop(
        &self,
        to: usize,
        out: FieldWriter<'_, T>,
        psi: FieldReader<'_, T>,
        center: Option<(f64, FieldReader<'_, T>)>,
        b: f64,
        inverse: bool,
    ) {
        let (enter, matrices) = match &self.inverses {
            Some(inverses) if inverse => (Matrices::OnHop, inverses.reader()),
            _ => (Matrices::None, psi),
        };
        let kernel = HopKernel::<'_, T, N, 2, N, false> {
            links: self.links.reader(),
            table: &self.table,
            each: &[Streams { psi, out, center: center.map(|(_, phi)| phi) }],
            a: center.map_or(0.0, |(a, _)| a),
            b,
            enter,
            matrices,
            walk: None,
            returns: false,
            far: 0,
            streams: false,
        };
        let lattice = self.links.lattice();
        lattice.launch(&kernel, lattice.layout::<T>().parity_blocks(to));
    }

    /// As [`Self::hop`] from one parity of a field to the other.
    fn hop_within(
        &self,
        to: usize,
        field: &mut SpinorField<T, N>,
        center: Option<(f64, FieldReader<'_, T>)>,
        b: f64,
        inverse: bool,
    ) {
        let writer = field.writer();
        // SAFETY: a site's neighbours are of the other parity, whose blocks nothing writes here.
        let reader = unsafe { writer.reader() };
        self.hop(to, writer, reader, center, b, inverse);
    }

    /// ½ A⁻¹ H of what stands on the other parity, as (factor, whether matrices enter).
    fn half(&self) -> (f64, bool) {
        if self.inverses.is_some() { (0.5, true) } else { (0.5 / self.diagonal, false) }
    }

    /// `out` on odd sites ← the right-hand side for x_o where D x = `b`.
    pub fn source(&self, out: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        let d = self.diagonal;
        let layout = out.layout();
        let (even, odd) = (layout.parity_blocks(EVEN), layout.parity_blocks(ODD));
        match &self.inverses {
            None => {
                self.hop(ODD, out.writer(), b.reader(), Some((1.0 / d, b.reader())), 0.5 / (d * d), false)
            }
            Some(inverses) => {
                Clover::<T, N>::times(inverses.reader(), out, Some(b), even);
                self.hop_within(ODD, out, Some((1.0, b.reader())), 0.5, false);
                Clover::<T, N>::times(inverses.reader(), out, None, odd);
            }
        }
    }

    /// `out` on odd sites ← S ψ_o; its even sites are scratch.
    pub fn apply(&self, out: &mut SpinorField<T, N>, psi: &SpinorField<T, N>) {
        let (half, inverse) = self.half();
        self.hop(EVEN, out.writer(), psi.reader(), None, -half, inverse);
        self.hop_within(ODD, out, Some((1.0, psi.reader())), half, inverse);
    }

    /// Completes x = D⁻¹ `b` on the even sites.
    pub fn reconstruct(&self, x: &mut SpinorField<T, N>, b: &SpinorField<T, N>) {
        let d = self.diagonal;
        match &self.inverses {
            None => self.hop_within(EVEN, x, Some((1.0 / d, b.reader())), 0.5 / d, false),
            Some(inverses) => {
                self.hop_within(EVEN, x, Some((1.0, b.reader())), 0.5, false);
                let even = x.layout().parity_blocks(EVEN);
                Clover::<T, N>::times(inverses.reader(), x, None, even);
            }
        }
    }

    /// Operations of the matrices on one site.
    fn site_flops(&self) -> f64 {
        if self.inverses.is_some() { chiral::flops(N) as f64 } else { 0.0 }
    }
    /// Floating-point operations of S for each odd site.
    pub fn flops(&self) -> f64 {
        (2 * hop_flops::<2>(N) + 2 * SpinorField::<T, N>::REALS) as f64 + 2.0 * self.site_flops()
    }
    /// Those of source and reconstruction together for each odd site.
    pub fn ends_flops(&self) -> f64 {
        (2 * hop_flops::<2>(N) + 4 * SpinorField::<T, N>::REALS) as f64 + 3.0 * self.site_flops()
    }
}
