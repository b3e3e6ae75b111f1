//! The lattice of an object.

use crate::raw::{self, GLK_MAX_DIM};
use crate::{Error, Result, sized};

/// A checked lattice: what a host says in `glk_lattice`.
#[derive(Clone, Debug)]
pub struct Lattice {
    raw: raw::glk_lattice,
}

impl Lattice {
    /// A lattice of one rank.
    pub fn single(extents: &[usize]) -> Result<Self> {
        if extents.is_empty() || extents.len() > GLK_MAX_DIM {
            return Err(Error::invalid(format!(
                "a lattice has 1 to {GLK_MAX_DIM} directions, not {}",
                extents.len()
            )));
        }
        let mut raw = sized::new::<raw::glk_lattice>();
        raw.ndim = extents.len() as u32;
        raw.nranks = 1;
        for (d, &extent) in extents.iter().enumerate() {
            raw.global[d] = extent as i64;
            raw.local[d] = extent as i64;
            raw.procs[d] = 1;
        }
        Self::checked(raw)
    }
    /// What a host wrote.
    ///
    /// # Safety
    /// As for [`crate::read_sized`].
    pub unsafe fn from_raw(raw: *const raw::glk_lattice) -> Result<Self> {
        // SAFETY: the caller's promise.
        let raw = unsafe { sized::read(raw) };
        Self::checked(raw.ok_or_else(|| Error::invalid("lattice is NULL or its size is not set"))?)
    }
    fn checked(raw: raw::glk_lattice) -> Result<Self> {
        let ndim = raw.ndim as usize;
        if ndim == 0 || ndim > GLK_MAX_DIM {
            return Err(Error::invalid(format!("lattice.ndim is {ndim}; 1 to {GLK_MAX_DIM} are possible")));
        }
        let mut volume = 1i64;
        for d in 0..ndim {
            let (global, local, origin) = (raw.global[d], raw.local[d], raw.origin[d]);
            if local < 1 || global < local || origin < 0 || origin > global - local {
                return Err(Error::invalid(format!(
                    "lattice, direction {d}: local {local} at origin {origin} is no part of global {global}"
                )));
            }
            volume = volume
                .checked_mul(global)
                .filter(|v| *v < 1 << 48)
                .ok_or_else(|| Error::invalid("lattice.global has more than 2^48 sites"))?;
        }
        if raw.nranks > 1 && raw.comm_kind == raw::GLK_COMM_SELF {
            return Err(Error::invalid("lattice.comm_kind is SELF, which is one rank, and nranks is larger"));
        }
        Ok(Self { raw })
    }
    /// Number of directions.
    pub fn ndim(&self) -> usize {
        self.raw.ndim as usize
    }
    /// Extents of this rank's part.
    pub fn local(&self) -> &[i64] {
        &self.raw.local[..self.ndim()]
    }
    /// Extents of the whole lattice.
    pub fn global(&self) -> &[i64] {
        &self.raw.global[..self.ndim()]
    }
    /// Global coordinates of the first local site.
    pub fn origin(&self) -> &[i64] {
        &self.raw.origin[..self.ndim()]
    }
    /// Sites of this rank.
    pub fn sites(&self) -> usize {
        self.local().iter().product::<i64>() as usize
    }
    /// Ranks.
    pub fn ranks(&self) -> usize {
        self.raw.nranks.max(1) as usize
    }
    /// Local coordinates of a local site in lex order; unused directions are 0.
    pub fn coordinates(&self, mut lex: usize) -> [i64; GLK_MAX_DIM] {
        let mut x = [0; GLK_MAX_DIM];
        for (x, &extent) in x.iter_mut().zip(self.local()) {
            *x = (lex as i64) % extent;
            lex /= extent as usize;
        }
        x
    }
    /// Parity (0 even, 1 odd) of a local site, by its global coordinates.
    pub fn parity(&self, lex: usize) -> usize {
        let x = self.coordinates(lex);
        let sum: i64 = (0..self.ndim()).map(|d| x[d] + self.raw.origin[d]).sum();
        (sum & 1) as usize
    }
    /// Everything that the host said.
    pub fn as_raw(&self) -> &raw::glk_lattice {
        &self.raw
    }
}
