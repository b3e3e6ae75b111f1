//! The forward Kullback–Leibler divergence, −⟨ln q⟩ over configurations of the target, up to a constant.
//!
//! Where the reverse divergence leaves out what a flow never draws, this one counts it: data that have all modes keep the
//! flow from dropping some. For a configuration U, V = f⁻¹(U) and ∂ ln q(U)/∂θ at fixed U is −∂ ln|det f'(V)|/∂θ less the
//! score ∂ ln q/∂U times ∂f(V)/∂θ, both at fixed V.

use crate::group::Group;
use crate::reverse_kl::Draws;
use crate::{ReverseKlOf, Target, TrainError};
use gaugelink_lattice::rng::Address;
use gaugelink_lattice::{Field, Real, Variables};

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
        if self.rows == 0 { 0 } else { self.numbers.len() / self.rows }
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

    /// Puts one of them into a lane.
    fn put(&self, number: usize, field: &mut Field<T>, lane: usize) {
        let numbers = &self.numbers[number * self.rows..][..self.rows];
        field.as_mut_slice().iter_mut().skip(lane).step_by(T::LANES).zip(numbers).for_each(|(x, &y)| *x = y);
    }
}

impl<T: Real, A: Target<T>> Group<T, A> {
    /// −ln q of the configurations of these numbers, one a lane, and adds `share` × the gradient of their sum to `gradient`.
    ///
    /// # Errors
    /// Those of layers whose inverse does not converge or that have no score.
    fn fit(
        &mut self,
        (data, numbers): (&Data<T>, &[usize]),
        share: f64,
        losses: &mut [f64],
        gradient: &mut [f64],
    ) -> Result<(), TrainError> {
        let Self { flow, variables, cotangent, .. } = self;
        numbers.iter().enumerate().for_each(|(lane, &number)| data.put(number, variables, lane));
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

impl<T: Real, A: Target<T>> ReverseKlOf<T, A> {
    /// −ln q of `count` of the data, a multiple of the lanes, drawn with replacement: number k by `address.chain` + k. The
    /// gradient of the mean is in `gradient`.
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
        let number = |k: usize| {
            let mut stream = address.chain(address.chain + k as u64).generator().global();
            // Uniform numbers begin above 0 and end at 1.
            (stream.uniform() * data.len() as f64).ceil() as usize - 1
        };
        let share = 1.0 / count as f64;
        self.run(count, Some(gradient), &|group, first, losses, gradient| {
            let numbers: Vec<usize> = (first..first + T::LANES).map(number).collect();
            group.fit((data, &numbers), share, losses, gradient)
        })
    }
}
