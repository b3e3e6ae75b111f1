//! Spinor fields: 2H spins times N colours, `[block][spin][colour][re|im][lane]`. The first H spins are of one chirality,
//! the others of the other one: H = 2 in four dimensions, H = 1 in two.

use super::neighbourhood::load_register;
use crate::solver::vector;
use gaugelink_lattice::foreign::Foreign;
use gaugelink_lattice::rng::{Address, fill_gaussian};
use gaugelink_lattice::{Complex, Field, Lanes, Lattice, LatticeError, Layout, Num, Real, Site};
use gaugelink_plugin_sdk::raw::GLK_WILSON;
use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::sync::Arc;

/// Spin components in four dimensions.
pub const SPINS: usize = 4;

/// One site's spinor, `[chirality][spin of it][colour]`; its index is the spin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spinor<V, const N: usize, const H: usize = 2>([[[Complex<V>; N]; H]; 2]);

impl<V, const N: usize, const H: usize> Index<usize> for Spinor<V, N, H> {
    type Output = [Complex<V>; N];
    #[inline(always)]
    fn index(&self, spin: usize) -> &[Complex<V>; N] {
        &self.0.as_flattened()[spin]
    }
}

impl<V, const N: usize, const H: usize> IndexMut<usize> for Spinor<V, N, H> {
    #[inline(always)]
    fn index_mut(&mut self, spin: usize) -> &mut [Complex<V>; N] {
        &mut self.0.as_flattened_mut()[spin]
    }
}

impl<V: Num, const N: usize, const H: usize> Spinor<V, N, H> {
    /// Zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self([[[Complex::zero(); N]; H]; 2])
    }

    /// The spinor whose components `component` gives for each spin and colour.
    pub fn from_fn(mut component: impl FnMut(usize, usize) -> Complex<V>) -> Self {
        let mut psi = Self::zero();
        for (i, z) in psi.components_mut().iter_mut().enumerate() {
            *z = component(i / N, i % N);
        }
        psi
    }

    /// The same made of each component.
    pub fn map(self, made: impl Fn(Complex<V>) -> Complex<V>) -> Self {
        Self::from_fn(|s, c| made(self[s][c]))
    }

    /// All components, spin by spin.
    #[inline(always)]
    pub fn components(&self) -> &[Complex<V>] {
        self.0.as_flattened().as_flattened()
    }

    /// All components, to be changed.
    #[inline(always)]
    pub fn components_mut(&mut self) -> &mut [Complex<V>] {
        self.0.as_flattened_mut().as_flattened_mut()
    }

    /// The spinors of one register's lanes from a block's rows.
    ///
    /// # Safety
    /// A spinor's rows are valid at `rows`; `offset` is the first lane of a register.
    #[inline(always)]
    pub(super) unsafe fn load<L: Lanes<Register = V>>(rows: *const L::Scalar, offset: usize) -> Self {
        let mut psi = Self::zero();
        for (i, z) in psi.components_mut().iter_mut().enumerate() {
            // SAFETY: the caller vouches for the rows.
            *z = unsafe { load_register::<L>(rows, i, offset) };
        }
        psi
    }

    /// Writes them.
    ///
    /// # Safety
    /// As [`Spinor::load`], valid for writing.
    #[inline(always)]
    pub(super) unsafe fn store<L: Lanes<Register = V>>(&self, rows: *mut L::Scalar, offset: usize)
    where
        V: Lanes<Scalar = L::Scalar>,
    {
        for (i, z) in self.components().iter().enumerate() {
            let row = 2 * i * L::Scalar::LANES + offset;
            // SAFETY: the caller vouches for the rows.
            unsafe {
                z.re.store(rows.add(row));
                z.im.store(rows.add(row + L::Scalar::LANES));
            }
        }
    }
}

/// A spinor on each site, of 2H spins and `N` colours.
#[derive(Debug)]
pub struct SpinorField<T, const N: usize, const H: usize = 2>(Field<T>);

impl<T, const N: usize, const H: usize> Deref for SpinorField<T, N, H> {
    type Target = Field<T>;
    fn deref(&self) -> &Field<T> {
        &self.0
    }
}

impl<T, const N: usize, const H: usize> DerefMut for SpinorField<T, N, H> {
    fn deref_mut(&mut self) -> &mut Field<T> {
        &mut self.0
    }
}

// The interface of plugins knows spinors of four spins only: those of two dimensions cannot be lent.
// SAFETY: the wrapped field is private, and nothing moves it out.
unsafe impl<T: Real, const N: usize> Foreign for SpinorField<T, N> {
    type Scalar = T;
    const KIND: i32 = GLK_WILSON;
    const ROWS: usize = SPINS;
    const COLUMNS: usize = N;

    fn from_field(field: Field<T>) -> Self {
        assert_eq!(field.reals(), Self::REALS, "components of a spinor field");
        Self(field)
    }
}

/// The lanes that hold a site of this rank's box: all repetitions of the one that `locate` gives, or those of a chain.
fn lanes_of(layout: &Layout, located: usize, chain: usize) -> impl Iterator<Item = usize> {
    let distinct = layout.distinct_lanes();
    let wanted = if layout.chains() > 1 { chain } else { located };
    (0..layout.lanes()).filter(move |l| l % distinct == wanted)
}

impl<T: Real, const N: usize, const H: usize> SpinorField<T, N, H> {
    /// Real numbers on a site.
    pub const REALS: usize = 4 * H * N;

    /// Zero everywhere.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn zeroed(lattice: &Arc<Lattice>) -> Result<Self, LatticeError> {
        Ok(Self(Field::zeroed(lattice, Self::REALS)?))
    }

    /// A copy in memory of its own.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn duplicate(&self) -> Result<Self, LatticeError> {
        Ok(Self(self.0.duplicate()?))
    }

    /// The same numbers, rounded where needed, in another precision.
    ///
    /// # Errors
    /// [`LatticeError::OutOfMemory`].
    pub fn converted<S: Real>(&self) -> Result<SpinorField<S, N, H>, LatticeError> {
        let mut other = SpinorField::zeroed(self.lattice())?;
        self.convert_to(&mut other);
        Ok(other)
    }

    /// The place of a site in this rank's box, `None` where another rank holds it.
    fn place(&self, site: &Site) -> Option<(usize, usize)> {
        let geometry = self.layout().geometry();
        let (origin, local) = (geometry.origin(), geometry.local_extents());
        let inside = (0..site.len()).all(|mu| (origin[mu]..origin[mu] + local[mu]).contains(&site[mu]));
        inside.then(|| self.layout().locate(&std::array::from_fn(|mu| site[mu] - origin[mu])))
    }

    /// ψ at a global site, `None` where another rank holds it.
    pub fn spinor(&self, site: &Site, chain: usize) -> Option<Spinor<T, N, H>> {
        let (block, located) = self.place(site)?;
        let lane = lanes_of(self.layout(), located, chain).next()?;
        let part = |s: usize, c: usize, im: usize| self.get(block, 2 * (s * N + c) + im, lane);
        Some(Spinor::from_fn(|s, c| Complex::new(part(s, c, 0), part(s, c, 1))))
    }

    /// Sets ψ at a global site on the rank that holds it. Ghosts are stale until [`Field::exchange`].
    pub fn set_spinor(&mut self, site: &Site, chain: usize, psi: &Spinor<T, N, H>) {
        let Some((block, located)) = self.place(site) else { return };
        let lanes: Vec<usize> = lanes_of(self.layout(), located, chain).collect();
        for lane in lanes {
            for (i, z) in psi.components().iter().enumerate() {
                self.set(block, 2 * i, lane, z.re);
                self.set(block, 2 * i + 1, lane, z.im);
            }
        }
    }

    /// Zero but for 1 at one site, spin and colour, in every chain. Collective.
    pub fn set_point_source(&mut self, site: &Site, spin: usize, colour: usize) {
        let mut one = Spinor::zero();
        one[spin][colour] = Complex::new(T::from_f64(1.0), T::from_f64(0.0));
        self.fill(T::default());
        for chain in 0..self.lattice().chains() {
            self.set_spinor(site, chain, &one);
        }
        self.exchange();
    }

    /// Gaussian noise with ⟨|η|²⟩ = 1 for each complex component, that is 1/2 for each real one: the density
    /// exp(−η†η) of pseudofermion heat baths. Collective.
    pub fn set_gaussian(&mut self, address: Address) {
        fill_gaussian(&mut self.0, address);
        let scale = T::from_f64(std::f64::consts::FRAC_1_SQRT_2);
        self.as_mut_slice().iter_mut().for_each(|x| *x = *x * scale);
    }

    /// Z2 noise, (±1 ± i)/√2 with independent signs: |η|² = 1 for each complex component, not only on average. Collective.
    pub fn set_z2(&mut self, address: Address) {
        fill_gaussian(&mut self.0, address);
        let size = T::from_f64(std::f64::consts::FRAC_1_SQRT_2);
        self.as_mut_slice().iter_mut().for_each(|x| *x = if *x < T::default() { -size } else { size });
    }

    /// ⟨self, other⟩ = Σ conj(self) other for each chain, an exact sum of the sites' values. Collective.
    pub fn inner_product(&self, other: &Self) -> Vec<Complex<f64>> {
        let mut sums = vec![0.0; 2 * self.lattice().chains()];
        vector::inner_product(self, other, 0..self.layout().blocks(), &mut sums);
        let (re, im) = sums.split_at(self.lattice().chains());
        re.iter().zip(im).map(|(&re, &im)| Complex::new(re, im)).collect()
    }

    /// ψ ← γ5 ψ, ghosts included.
    pub fn apply_gamma5(&mut self) {
        let half = Self::REALS / 2 * T::LANES;
        for site in self.as_mut_slice().chunks_exact_mut(2 * half) {
            site[half..].iter_mut().for_each(|x| *x = -*x);
        }
    }
}
