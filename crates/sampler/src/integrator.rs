//! Symplectic integrators of U̇ = P U, π̇ = −∂S.
//!
//! Each is a reversible, volume-preserving string of kicks (momenta by the force) and drifts (links by the momenta).

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Which integrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrator {
    /// Leapfrog, kick first: one force a step, error ε².
    Leapfrog,
    /// Omelyan's second-order minimum-norm scheme, kick first (Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151
    /// (2003) 272, eq. 31): two forces a step, error ε² some ten times smaller.
    Omelyan,
}

/// λ of the minimum-norm scheme (ibid., eq. 32).
pub const OMELYAN_LAMBDA: f64 = 0.193_183_327_503_783_6;

/// One move of a trajectory, with its length in molecular-dynamics time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    /// π ← π − ε ∂S.
    Kick(f64),
    /// U ← exp(ε P) U.
    Drift(f64),
}

impl Integrator {
    /// The moves of `steps` steps that make up `length`; kicks that meet are joined.
    pub fn moves(self, steps: NonZeroUsize, length: f64) -> Vec<Move> {
        let steps = steps.get();
        let epsilon = length / steps as f64;
        let step: &[Move] = match self {
            Integrator::Leapfrog => {
                &[Move::Kick(0.5 * epsilon), Move::Drift(epsilon), Move::Kick(0.5 * epsilon)]
            }
            Integrator::Omelyan => &[
                Move::Kick(OMELYAN_LAMBDA * epsilon),
                Move::Drift(0.5 * epsilon),
                Move::Kick((1.0 - 2.0 * OMELYAN_LAMBDA) * epsilon),
                Move::Drift(0.5 * epsilon),
                Move::Kick(OMELYAN_LAMBDA * epsilon),
            ],
        };
        let mut moves: Vec<Move> = Vec::with_capacity(steps * step.len());
        for &next in std::iter::repeat_n(step, steps).flatten() {
            match (moves.last_mut(), next) {
                (Some(Move::Kick(e)), Move::Kick(more)) => *e += more,
                _ => moves.push(next),
            }
        }
        moves
    }

    /// Names that [`Integrator::from_str`] takes.
    pub const NAMES: [&'static str; 2] = ["leapfrog", "omelyan"];
}

impl fmt::Display for Integrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl FromStr for Integrator {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "leapfrog" => Ok(Integrator::Leapfrog),
            "omelyan" => Ok(Integrator::Omelyan),
            _ => Err(format!("no integrator is called `{name}`: choose one of {}", Self::NAMES.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(integrator: Integrator, steps: usize, length: f64) -> Vec<Move> {
        integrator.moves(NonZeroUsize::new(steps).unwrap(), length)
    }

    #[test]
    fn moves_cover_the_length_and_read_the_same_backwards() {
        for integrator in [Integrator::Leapfrog, Integrator::Omelyan] {
            let moves = moves(integrator, 7, 1.4);
            let (mut kicked, mut drifted) = (0.0, 0.0);
            for m in &moves {
                match m {
                    Move::Kick(e) => kicked += e,
                    Move::Drift(e) => drifted += e,
                }
            }
            assert!((kicked - 1.4f64).abs() < 1e-14 && (drifted - 1.4f64).abs() < 1e-14);
            let lengths = |m: &Move| match m {
                Move::Kick(e) => ("kick", (e * 1e12).round()),
                Move::Drift(e) => ("drift", (e * 1e12).round()),
            };
            assert!(moves.iter().map(lengths).eq(moves.iter().rev().map(lengths)));
            let forces = moves.iter().filter(|m| matches!(m, Move::Kick(_))).count();
            assert_eq!(forces, if integrator == Integrator::Leapfrog { 8 } else { 15 });
        }
    }

    /// The harmonic oscillator H = (p² + q²)/2: energy errors fall as ε², Omelyan's well below leapfrog's.
    #[test]
    fn energy_errors_are_of_second_order() {
        let error = |integrator: Integrator, steps| {
            let (mut q, mut p) = (1.0f64, 0.3f64);
            for m in moves(integrator, steps, 1.0) {
                match m {
                    Move::Kick(e) => p -= e * q,
                    Move::Drift(e) => q += e * p,
                }
            }
            (0.5 * (p * p + q * q) - 0.5 * 1.09).abs()
        };
        for integrator in [Integrator::Leapfrog, Integrator::Omelyan] {
            let ratio = error(integrator, 20) / error(integrator, 40);
            assert!((ratio - 4.0).abs() < 0.1, "{integrator}: {ratio}");
        }
        assert!(error(Integrator::Omelyan, 20) < 0.1 * error(Integrator::Leapfrog, 20));
    }
}
