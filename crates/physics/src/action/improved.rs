//! Improved gauge actions of plaquettes and rectangles.
//!
//! S = c_p Σ_P (1 − Re tr P / N) + c_r Σ_R (1 − Re tr R / N) with c_p = β (1 − 8 c₁) and c_r = β c₁, over all plaquettes
//! and all 2×1 and 1×2 rectangles, no other constant: the normalisation of Iwasaki, Nucl. Phys. B 258 (1985) 141, in
//! which β is that of the continuum limit in four dimensions.

use super::Action;
use super::rectangle::{accumulate_plane_force, rectangle_workspace};
use crate::PhysicsError;
use crate::observable::{planes, plaquette_sums, rectangle_sums};
use gaugelink_lattice::group::group_name;
use gaugelink_lattice::{Field, GaugeField, Lattice, MomentumField};
use std::sync::{Arc, Mutex, PoisonError};

/// c₁ of the tree-level action of Symanzik (Weisz, Nucl. Phys. B 212 (1983) 1).
pub const SYMANZIK: f64 = -1.0 / 12.0;
/// c₁ of Iwasaki's action (ibid.).
pub const IWASAKI: f64 = -0.331;
/// c₁ of DBW2 (Takaishi, Phys. Rev. D 54 (1996) 1050).
pub const DBW2: f64 = -1.4088;

/// The action with coefficient c₁ of the rectangles, on a lattice of 2 to 4 dimensions; U(1): cos of the loops' angles.
///
/// ∂^a S is that of [`WilsonAction`](super::WilsonAction) with, in place of β A, c_p A + c_r B, B the sum of the paths of
/// five links that close a link to its rectangles (18 in four dimensions).
#[derive(Debug)]
pub struct ImprovedAction<const N: usize> {
    beta: f64,
    c1: f64,
    detours: Mutex<Field<f64>>,
}

impl<const N: usize> ImprovedAction<N> {
    /// The action of inverse coupling β with coefficient c₁ on this lattice, with its workspace: as much memory as
    /// four links a site.
    ///
    /// # Errors
    /// No memory.
    pub fn new(lattice: &Arc<Lattice>, beta: f64, c1: f64) -> Result<Self, PhysicsError> {
        Ok(Self { beta, c1, detours: Mutex::new(rectangle_workspace::<N>(lattice)?) })
    }

    fn plaquette_coefficient(&self) -> f64 {
        self.beta * (1.0 - 8.0 * self.c1)
    }

    fn rectangle_coefficient(&self) -> f64 {
        self.beta * self.c1
    }
}

impl<const N: usize> Action<N> for ImprovedAction<N> {
    fn name(&self) -> String {
        let kind = match self.c1 {
            SYMANZIK => "Symanzik".into(),
            IWASAKI => "Iwasaki".into(),
            DBW2 => "DBW2".into(),
            c1 => format!("improved (c1 = {c1})"),
        };
        format!("{kind} {} beta = {}", group_name(N), self.beta)
    }

    fn value(&self, u: &GaugeField<f64, N>) -> Vec<f64> {
        let count = (planes(u.lattice().dims()) * u.lattice().volume()) as f64;
        let plaquettes = plaquette_sums(u).into_iter().map(|[space, time]| count - (space + time) / N as f64);
        let rectangles = rectangle_sums(u).into_iter().map(|sum| 2.0 * count - sum / N as f64);
        let (cp, cr) = (self.plaquette_coefficient(), self.rectangle_coefficient());
        plaquettes.zip(rectangles).map(|(p, r)| cp * p + cr * r).collect()
    }

    fn kick(&self, u: &GaugeField<f64, N>, p: &mut MomentumField<f64, N>, epsilon: f64) {
        let mut detours = self.detours.lock().unwrap_or_else(PoisonError::into_inner);
        let scale = -epsilon / if N == 1 { 1.0 } else { (2 * N) as f64 };
        let (cp, cr) = (scale * self.plaquette_coefficient(), scale * self.rectangle_coefficient());
        for nu in 1..u.lattice().dims() {
            for mu in 0..nu {
                accumulate_plane_force(u, p, &mut detours, [mu, nu], cp, cr);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{NaiveLinks, assert_gradient, rough_field};
    use gaugelink_lattice::group::algebra_dim;
    use gaugelink_lattice::{Lattice, LatticeOptions};

    const BETA: f64 = 1.3;

    fn for_all(check: [fn(&[usize]); 3]) {
        for extents in [&[6, 4][..], &[3, 5], &[4, 6, 2], &[4, 2, 3, 8], &[8, 4, 2, 4]] {
            check.iter().for_each(|f| f(extents));
        }
    }

    fn start<const N: usize>(extents: &[usize]) -> GaugeField<f64, N> {
        rough_field(&Lattice::new(extents, LatticeOptions::default()).unwrap(), 0.6)
    }

    #[test]
    fn action_and_force_are_those_of_the_plain_formulas() {
        fn check<const N: usize>(extents: &[usize]) {
            let u = start::<N>(extents);
            let action = ImprovedAction::<N>::new(u.lattice(), BETA, IWASAKI).unwrap();
            let naive = NaiveLinks::new(&u, 0);
            let (cp, cr) = (BETA * (1.0 + 8.0 * 0.331), -0.331 * BETA);
            let (value, expected) =
                (action.value(&u)[0], naive.wilson_action(cp) + naive.rectangle_action(cr));
            assert!(
                (value - expected).abs() < 1e-12 * expected.abs(),
                "N={N} {extents:?}: {value} {expected}"
            );
            let mut force = MomentumField::zeroed(u.lattice()).unwrap();
            action.kick(&u, &mut force, -1.0);
            let slope = if N == 1 { 1.0 } else { 1.0 / (2 * N) as f64 };
            for x in naive.sites() {
                let (block, lane) = u.layout().locate(&x);
                for mu in 0..extents.len() {
                    let (plaquettes, rectangles) =
                        (naive.staple_force(&x, mu), naive.rectangle_force(&x, mu));
                    for a in 0..algebra_dim(N) {
                        let ours = force.get(block, mu * algebra_dim(N) + a, lane);
                        let expected = slope * (cp * plaquettes[a] + cr * rectangles[a]);
                        assert!((ours - expected).abs() < 1e-13, "N={N} {extents:?} {x:?} {mu} {a}");
                    }
                }
            }
        }
        for_all([check::<1>, check::<2>, check::<3>]);
    }

    #[test]
    fn force_is_the_gradient_of_the_action() {
        fn check<const N: usize>(extents: &[usize]) {
            let u = start::<N>(extents);
            assert_gradient(&mut &ImprovedAction::<N>::new(u.lattice(), BETA, DBW2).unwrap(), &u);
        }
        for_all([check::<1>, check::<2>, check::<3>]);
    }

    #[test]
    fn without_rectangles_it_is_wilsons() {
        let u = start::<3>(&[4, 4, 4, 4]);
        let (wilson, improved) =
            (super::super::WilsonAction::new(5.0), ImprovedAction::<3>::new(u.lattice(), 5.0, 0.0).unwrap());
        let (w, i) = (Action::value(&wilson, &u)[0], Action::value(&improved, &u)[0]);
        assert!((w - i).abs() < 1e-12 * w);
    }

    #[test]
    fn names_tell_the_kind() {
        let lattice = Lattice::new(&[4, 4], LatticeOptions::default()).unwrap();
        let name = |c1| Action::<2>::name(&ImprovedAction::<2>::new(&lattice, 2.5, c1).unwrap());
        assert_eq!(name(SYMANZIK), "Symanzik SU(2) beta = 2.5");
        assert_eq!(name(-0.2), "improved (c1 = -0.2) SU(2) beta = 2.5");
    }
}
