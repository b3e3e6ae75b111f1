//! Symplectic integrators of U̇ = P U, π̇ = −∂S.
//!
//! Each is a reversible, volume-preserving string of kicks (momenta by the force) and drifts (links by the momenta).
//!
//! Forces of different size and cost have time scales of their own (Sexton and Weingarten, Nucl. Phys. B 380 (1992) 665;
//! with pseudofermions: Urbach, Jansen, Shindler, Wenger, Comput. Phys. Commun. 174 (2006) 87): each drift of one level
//! is a whole integration of the level below, whose kicks come more often. Only the innermost level moves the links.

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
    /// π ← π − ε ∂S with the terms of one level, 0 the outermost.
    Kick {
        /// The level.
        level: usize,
        /// ε.
        epsilon: f64,
    },
    /// U ← exp(ε P) U.
    Drift(f64),
}

/// One level of a trajectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Its integrator.
    pub integrator: Integrator,
    /// Its steps: in the whole trajectory for the outermost level, in one drift of the level around it for the others.
    pub steps: NonZeroUsize,
}

/// The moves of nested levels, the outermost first, that make up `length`. Kicks of a level that meet are joined; where
/// several levels kick at one time, the outermost does first.
pub fn nested_moves(scales: &[Scale], length: f64) -> Vec<Move> {
    let mut moves = Vec::new();
    // Kicks at one time, by level.
    let mut kicks = vec![None; scales.len()];
    let flush = |kicks: &mut Vec<Option<f64>>, moves: &mut Vec<Move>| {
        for (level, kick) in kicks.iter_mut().enumerate() {
            moves.extend(kick.take().map(|epsilon| Move::Kick { level, epsilon }));
        }
    };
    for next in unjoined(scales, 0, length) {
        match next {
            Move::Kick { level, epsilon } => {
                kicks[level] = Some(kicks[level].map_or(epsilon, |e: f64| e + epsilon));
            }
            Move::Drift(_) => {
                flush(&mut kicks, &mut moves);
                moves.push(next);
            }
        }
    }
    flush(&mut kicks, &mut moves);
    moves
}

/// The moves of the levels from `level` inwards.
fn unjoined(scales: &[Scale], level: usize, length: f64) -> Vec<Move> {
    let Some(Scale { integrator, steps }) = scales.get(level) else { return vec![Move::Drift(length)] };
    let epsilon = length / steps.get() as f64;
    let kick = |fraction: f64| vec![Move::Kick { level, epsilon: fraction * epsilon }];
    let drift = |fraction: f64| unjoined(scales, level + 1, fraction * epsilon);
    let step = match integrator {
        Integrator::Leapfrog => [kick(0.5), drift(1.0), kick(0.5)].concat(),
        Integrator::Omelyan => {
            let (outer, inner) = (OMELYAN_LAMBDA, 1.0 - 2.0 * OMELYAN_LAMBDA);
            [kick(outer), drift(0.5), kick(inner), drift(0.5), kick(outer)].concat()
        }
    };
    step.repeat(steps.get())
}

impl Integrator {
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

    fn scale(integrator: Integrator, steps: usize) -> Scale {
        Scale { integrator, steps: NonZeroUsize::new(steps).unwrap() }
    }

    fn moves(integrator: Integrator, steps: usize, length: f64) -> Vec<Move> {
        nested_moves(&[scale(integrator, steps)], length)
    }

    #[test]
    fn moves_cover_the_length_and_read_the_same_backwards() {
        for integrator in [Integrator::Leapfrog, Integrator::Omelyan] {
            let moves = moves(integrator, 7, 1.4);
            assert_covers(&moves, 1, 1.4);
            assert_eq!(kicks(&moves, 0), if integrator == Integrator::Leapfrog { 8 } else { 15 });
        }
    }

    fn kicks(moves: &[Move], of: usize) -> usize {
        moves.iter().filter(|m| matches!(m, Move::Kick { level, .. } if *level == of)).count()
    }

    /// Drifts and each level's kicks add up to the length, and read the same backwards, kicks at one time in any order.
    fn assert_covers(moves: &[Move], levels: usize, length: f64) {
        let mut lengths = vec![0.0; levels + 1];
        let mut times: Vec<Vec<(usize, i64)>> = vec![Vec::new()];
        for m in moves {
            let (entry, epsilon) = match m {
                Move::Kick { level, epsilon } => (*level, epsilon),
                Move::Drift(epsilon) => (levels, epsilon),
            };
            lengths[entry] += epsilon;
            let rounded = (entry, (epsilon * 1e12).round() as i64);
            if entry == levels {
                times.extend([vec![rounded], Vec::new()]);
            } else {
                times.last_mut().unwrap().push(rounded);
            }
        }
        assert!(lengths.iter().all(|l| (l - length).abs() < 1e-14), "{lengths:?}");
        assert!(times.iter().eq(times.iter().rev()), "{times:?}");
    }

    #[test]
    fn levels_lie_within_each_other() {
        let scales =
            [scale(Integrator::Omelyan, 3), scale(Integrator::Leapfrog, 2), scale(Integrator::Omelyan, 5)];
        let moves = nested_moves(&scales, 0.7);
        assert_covers(&moves, 3, 0.7);
        // Two drifts a step of Omelyan's, one of leapfrog's: 3·2, 3·2·2, 3·2·2·5·2, and one more kick at the end.
        assert_eq!([kicks(&moves, 0), kicks(&moves, 1), kicks(&moves, 2)], [7, 13, 121]);
        let one = nested_moves(&scales[..1], 0.7);
        assert_eq!(one.len(), 13);
        // A level without kicks of its own changes nothing but the length of the others' steps.
        assert!(
            matches!(one[0], Move::Kick { level: 0, epsilon } if epsilon == OMELYAN_LAMBDA * (0.7 / 3.0)),
            "{one:?}"
        );
    }

    /// The harmonic oscillator H = (p² + q²)/2: energy errors fall as ε², Omelyan's well below leapfrog's.
    #[test]
    fn energy_errors_are_of_second_order() {
        let error = |integrator: Integrator, steps| {
            let (mut q, mut p) = (1.0f64, 0.3f64);
            for m in moves(integrator, steps, 1.0) {
                match m {
                    Move::Kick { epsilon, .. } => p -= epsilon * q,
                    Move::Drift(epsilon) => q += epsilon * p,
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

    /// The oscillator with a stiff spring of its own level, H = (p² + q² + 100 q²)/2: errors still fall as ε².
    #[test]
    fn nested_levels_are_of_second_order() {
        let error = |outer: usize| {
            let scales = [scale(Integrator::Leapfrog, outer), scale(Integrator::Omelyan, 4)];
            let (mut q, mut p) = (1.0f64, 0.3f64);
            for m in nested_moves(&scales, 1.0) {
                match m {
                    Move::Kick { level, epsilon } => p -= epsilon * [1.0, 100.0][level] * q,
                    Move::Drift(epsilon) => q += epsilon * p,
                }
            }
            (0.5 * (p * p + 101.0 * q * q) - 0.5 * 101.09).abs()
        };
        let (coarse, fine) = (error(40), error(80));
        assert!((coarse / fine - 4.0).abs() < 0.1, "{coarse} {fine}");
    }
}
