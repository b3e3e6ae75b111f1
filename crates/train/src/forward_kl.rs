//! The forward Kullback–Leibler divergence, −⟨ln q⟩ over configurations of the target, up to a constant.
//!
//! Where the reverse divergence leaves out what a flow never draws, this one counts it: data that have all modes keep the
//! flow from dropping some. For a configuration U, V = f⁻¹(U) and ∂ ln q(U)/∂θ at fixed U is −∂ ln|det f'(V)|/∂θ less the
//! score ∂ ln q/∂U times ∂f(V)/∂θ, both at fixed V.

use crate::divergence::{Draws, after};
use crate::group::Group;
use crate::{DivergenceOf, Target, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Field, Real, Site, Variables};

/// Configurations to learn from, in the precision of a flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data<T> {
    /// Numbers of a configuration.
    rows: usize,
    numbers: Vec<T>,
}

impl<T: Real> Data<T> {
    /// None yet.
    pub fn new() -> Self {
        Self { rows: 0, numbers: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.rows).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the configuration of one lane of a batch, of the same lattice as those before.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for a field of another size.
    pub fn add(&mut self, field: &Field<T>, lane: usize) -> Result<(), TrainError> {
        let rows = field.as_slice().len() / T::LANES;
        if !self.is_empty() && rows != self.rows {
            return Err(TrainError::Setting("data of different lattices: give those of one".into()));
        }
        self.rows = rows;
        self.numbers.extend(field.as_slice().iter().skip(lane).step_by(T::LANES));
        Ok(())
    }

    /// Puts one of them into a lane, moved by a translation.
    fn put(&self, (number, shift): &(usize, Site), field: &mut Field<T>, lane: usize) {
        let lattice = field.lattice().clone();
        let (extents, reals) = (lattice.geometry().extents(), field.reals());
        let numbers = &self.numbers[number * self.rows..][..self.rows];
        for block in 0..field.layout().blocks() {
            let mut site = field.layout().site(block, 0);
            for (mu, x) in site.iter_mut().enumerate().take(lattice.dims()) {
                *x = (*x + shift[mu]) % extents[mu];
            }
            let from = field.layout().locate(&site).0;
            for component in 0..reals {
                field.set(block, component, lane, numbers[from * reals + component]);
            }
        }
    }

    /// Number k of a batch: which of them, and the translation.
    fn drawn(&self, address: Address, extents: &[usize]) -> (usize, Site) {
        let mut stream = address.generator().global();
        // Uniform numbers begin above 0 and end at 1.
        let mut below = |n: usize| (stream.uniform() * n as f64).ceil() as usize - 1;
        let number = below(self.len());
        let mut shift = Site::default();
        shift.iter_mut().zip(extents).for_each(|(x, &extent)| *x = below(extent));
        (number, shift)
    }
}

impl<T: Real, A: Target<T>> Group<T, A> {
    /// −ln q of these configurations, one a lane, and adds `share` × the gradient of their sum to `gradient`.
    ///
    /// # Errors
    /// Those of layers whose inverse does not converge or that have no score.
    fn fit(
        &mut self,
        (data, drawn): (&Data<T>, &[(usize, Site)]),
        share: f64,
        losses: &mut [f64],
        gradient: &mut [f64],
    ) -> Result<(), TrainError> {
        let Self { flow, variables, cotangent, .. } = self;
        drawn.iter().enumerate().for_each(|(lane, drawn)| data.put(drawn, variables, lane));
        flow.inverse(variables, losses)?;
        losses.fill(0.0);
        A::Variables::add_log_prior::<T>(variables, losses);
        losses.iter_mut().for_each(|loss| *loss = -*loss);
        flow.record_with_score(variables, losses, cotangent)?;
        cotangent.as_mut_slice().iter_mut().for_each(|x| *x = *x * T::from_f64(share));
        flow.backward(variables, cotangent, &vec![share; T::LANES], Some(gradient));
        Ok(())
    }
}

impl<T: Real, A: Target<T>> DivergenceOf<T, A> {
    /// −ln q of `count` of the data, a multiple of the lanes, drawn with replacement and each moved by a translation, under
    /// which the action is the same: number k by `address.chain` + k. The gradient of the mean is in `gradient`.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for another count or data of another lattice; those of layers whose inverse does not converge or
    /// that have no score.
    pub fn fit_with_gradient(
        &mut self,
        data: &Data<T>,
        address: Address,
        count: usize,
        gradient: &mut [f64],
    ) -> Result<Draws, TrainError> {
        if data.rows != self.rows() {
            return Err(TrainError::Setting("data of another lattice than the flow's".into()));
        }
        let extents = self.extents();
        let share = 1.0 / count as f64;
        self.run(count, Some(gradient), &|group, first, losses, gradient| {
            let drawn = |k: usize| data.drawn(after(address, k), &extents);
            let drawn: Vec<_> = (first..first + T::LANES).map(drawn).collect();
            group.fit((data, &drawn), share, losses, gradient)
        })
    }
}
