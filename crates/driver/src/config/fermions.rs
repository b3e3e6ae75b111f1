//! `[fermions]`: one flavour of Wilson quarks or two degenerate ones, with or without the clover term, in every stage of
//! hybrid Monte Carlo; in two or four dimensions.

use super::boundary::BoundaryPhases;
use super::quark::{MassKeys, csw, kappa_if_given, mass_if_given};
use super::stage::{max_iterations, reachable};
use super::tables::{at_least_one, yes};
use gaugelink_lattice::group::group_name;
use gaugelink_physics::action::{Solves, Zolotarev};
use gaugelink_physics::dirac::{DenseMatrix, Quark, QuarkMatrix};
use gaugelink_physics::solver::Stopping;
use serde::{Deserialize, Deserializer};

/// How the quarks' determinant enters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Determinant {
    /// As an integral over pseudofermions.
    #[default]
    Pseudofermions,
    /// As a term of the action, from the whole matrix: small lattices.
    Exact,
    /// As a weight of configurations that know the gauge action only, from the whole matrix: small lattices.
    Reweight,
}

/// `[fermions]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FermionsTable {
    /// 2, or 1 by a rational function.
    #[serde(default = "two")]
    pub flavours: u64,
    /// How their determinant enters.
    #[serde(default)]
    pub determinant: Determinant,
    /// Bare mass m; either this or `kappa`.
    #[serde(default, deserialize_with = "mass_if_given")]
    mass: Option<f64>,
    /// Hopping parameter, kappa = 1/(2(m + d)) in d dimensions.
    #[serde(default, deserialize_with = "kappa_if_given")]
    kappa: Option<f64>,
    /// Coefficient of the clover term; 0 leaves it out.
    #[serde(default, deserialize_with = "csw")]
    csw: f64,
    /// Boundary phase of each direction. Antiperiodic in the last one where nothing is said.
    #[serde(default)]
    boundary: BoundaryPhases,
    /// Pseudofermions on the odd sites only.
    #[serde(default = "yes")]
    pub even_odd: bool,
    /// Masses of the heavier flavours of Hasenbusch's ratios, rising.
    #[serde(default)]
    pub hasenbusch: Vec<f64>,
    /// For one flavour: the smallest and the largest eigenvalue of M†M that the rational function is made for.
    range: Option<[f64; 2]>,
    /// Its largest relative error there.
    #[serde(default, deserialize_with = "reachable_if_given")]
    rational_error: Option<f64>,
    /// Relative residual of the forces' solves.
    #[serde(default = "force_tolerance", deserialize_with = "reachable")]
    force_tolerance: f64,
    /// Relative residual of the solves of heat bath and accept step.
    #[serde(default = "tolerance", deserialize_with = "reachable")]
    tolerance: f64,
    /// Iterations after which a solve is given up.
    #[serde(default = "max_iterations", deserialize_with = "at_least_one")]
    max_iterations: u64,
}

impl FermionsTable {
    fn keys(&self) -> MassKeys {
        MassKeys { mass: self.mass, kappa: self.kappa }
    }

    /// The light flavours on a lattice of so many dimensions.
    pub fn quark(&self, dims: usize) -> Quark {
        let mass = self.keys().on(dims);
        let matrix = if self.even_odd { QuarkMatrix::EvenOdd } else { QuarkMatrix::Full };
        Quark { mass, csw: self.csw, boundary: self.boundary.on(dims), matrix }
    }

    /// When solves end.
    pub fn solves(&self) -> Solves {
        let iterations = self.max_iterations as usize;
        let stop = |tolerance| Stopping { iterations, ..Stopping::at(tolerance) };
        Solves { force: stop(self.force_tolerance), action: stop(self.tolerance) }
    }

    /// For one flavour: range and error of the rational function.
    pub fn rational(&self) -> Option<([f64; 2], f64)> {
        let range = self.range.filter(|_| self.flavours == 1)?;
        Some((range, self.rational_error.unwrap_or(RATIONAL_ERROR)))
    }

    /// Spinor fields that the terms of the action take, with those to solve in.
    pub fn fields(&self) -> usize {
        match self.rational() {
            // Twice: for the weights, too.
            Some((range, error)) => {
                let degree = Zolotarev::with_error(error, range).map_or(0, |function| function.poles.len());
                2 * (2 * degree + 6)
            }
            None => 7 * self.terms(),
        }
    }

    /// Whether a boundary is neither periodic nor antiperiodic.
    pub(super) fn is_twisted(&self) -> bool {
        self.boundary.is_twisted()
    }

    /// Whether a clover term is asked for.
    pub fn has_clover(&self) -> bool {
        self.csw != 0.0
    }

    /// Whether configurations are made without quarks, and weighted.
    pub fn reweights(&self) -> bool {
        self.determinant == Determinant::Reweight
    }

    /// Terms of the action: a ratio for each heavier mass, and the heaviest flavours by themselves.
    pub fn terms(&self) -> usize {
        if self.reweights() { 0 } else { self.hasenbusch.len() + 1 }
    }

    /// The key that is at fault on this lattice, and what is wrong with it.
    pub(crate) fn problem_on(
        &self,
        group: usize,
        extents: &[usize],
        bipartite: bool,
    ) -> Option<(&'static str, String)> {
        let dims = extents.len();
        if dims != 2 && dims != 4 {
            return Some(("", format!("Wilson fermions need 2 or 4 dimensions, this lattice has {dims}")));
        }
        if let Some(problem) = self.mass_problem(dims) {
            return Some(problem);
        }
        if self.has_clover() && dims != 4 {
            return Some((
                "csw",
                format!("the clover term is for 4 dimensions, this lattice has {dims}: csw = 0"),
            ));
        }
        if let Some(problem) = self.boundary.problem_on(dims) {
            return Some(("boundary", problem));
        }
        if self.even_odd && !bipartite {
            return Some((
                "even_odd",
                format!("the even-odd form needs even extents, not {extents:?}: even_odd = false"),
            ));
        }
        let of_whole = self.determinant != Determinant::Pseudofermions;
        let why = of_whole.then(|| self.dense_problem(group, extents)).flatten()?;
        Some(("determinant", why))
    }

    /// Why there is no dense matrix on this lattice, if there is none.
    pub(crate) fn dense_problem(&self, group: usize, extents: &[usize]) -> Option<String> {
        let sites = extents.iter().fold(1usize, |all, &l| all.saturating_mul(l));
        let rows = sites.saturating_mul(extents.len() * group) / if self.even_odd { 2 } else { 1 };
        let of_group = |error| format!("{error} ({} on {extents:?})", group_name(group));
        DenseMatrix::check(rows).err().map(of_group)
    }

    /// What is wrong with the masses, in so many dimensions.
    fn mass_problem(&self, dims: usize) -> Option<(&'static str, String)> {
        if let Some(problem) = self.keys().problem_on(dims) {
            return Some(problem);
        }
        let mut lighter = self.keys().on(dims);
        for &heavy in &self.hasenbusch {
            if heavy.is_nan() || heavy <= lighter {
                let why = format!(
                    "{heavy} is not above {lighter}: expected masses that rise, all above that of the light flavours"
                );
                return Some(("hasenbusch", why));
            }
            lighter = heavy;
        }
        None
    }

    /// The key that is at fault, and what is wrong with it; the dimensions, where they are known.
    pub(super) fn problem(&self, dims: Option<usize>) -> Option<(&'static str, String)> {
        if let Some(problem) = self.keys().problem("[fermions]") {
            return Some(problem);
        }
        let of_two = self.determinant != Determinant::Pseudofermions;
        if of_two && self.flavours != 2 {
            let what =
                "one flavour is by pseudofermions: its determinant has a sign, and no weight to sample from"
                    .into();
            return Some(("determinant", what));
        }
        if of_two && !self.hasenbusch.is_empty() {
            let what = "ratios are of pseudofermions: leave `hasenbusch` or `determinant` out".into();
            return Some(("hasenbusch", what));
        }
        match (self.flavours, self.range) {
            (0 | 3.., _) => {
                return Some(("flavours", format!("{}: there are 1 and 2", self.flavours)));
            }
            (1, None) => {
                let what = "one flavour needs `range`, below the smallest and above the largest eigenvalue of M†M, e.g. \
                            range = [0.01, 60]";
                return Some(("flavours", what.into()));
            }
            (1, Some([low, high])) if !(0.0 < low && low < high && high.is_finite()) => {
                return Some(("range", format!("[{low}, {high}]: expected two positive numbers that rise")));
            }
            _ => {}
        }
        let of_one = |key: &'static str| Some((key, format!("`{key}` belongs to `flavours = 1`")));
        if self.flavours == 2 && self.range.is_some() {
            return of_one("range");
        }
        if self.flavours == 2 && self.rational_error.is_some() {
            return of_one("rational_error");
        }
        if self.flavours == 1 && !self.hasenbusch.is_empty() {
            return Some(("hasenbusch", "ratios are of two flavours: leave `hasenbusch` out".into()));
        }
        // In three dimensions, where there are none, the lattice is at fault.
        self.mass_problem(dims.filter(|dims| [2, 4].contains(dims))?)
    }
}

/// What is asked of a rational function where nothing is said: a weight of 10⁻⁶ or less on lattices of 4⁴.
const RATIONAL_ERROR: f64 = 1e-9;

fn two() -> u64 {
    2
}

fn force_tolerance() -> f64 {
    Solves::default().force.tolerance
}

fn tolerance() -> f64 {
    Solves::default().action.tolerance
}

fn reachable_if_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    reachable(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileKind, RunFile};
    use gaugelink_lattice::Complex;
    use gaugelink_physics::dirac::Boundary;
    use std::path::Path;

    fn parse(fermions: &str, stage: &str) -> Result<RunFile, String> {
        let text = format!(
            "[run]\nseed = 1\ndirectory = \"x\"\n[lattice]\ngroup = \"SU(3)\"\nextents = [4, 4, 4, 4]\n\
             [action]\nbeta = 5.6\n[fermions]\n{fermions}\n\
             [[stage]]\nkind = \"hmc\"\ntrajectories = 4\nsteps = 2\n{stage}\n"
        );
        RunFile::parse(&text, Path::new("x"), FileKind::Run, &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn flavours_have_their_mass() {
        let of = |fermions: &str| parse(fermions, "").unwrap().fermions.unwrap();
        let heavy = of("kappa = 0.125\nhasenbusch = [0.5, 1.5]");
        assert_eq!((heavy.quark(4).mass, heavy.terms()), (0.0, 3));
        assert_eq!(heavy.quark(4).matrix, QuarkMatrix::EvenOdd);
        assert_eq!(heavy.quark(4).boundary, Boundary::antiperiodic());
        // In two dimensions kappa = 1/(2m + 4), and time is y.
        let flat = of("kappa = 0.125").quark(2);
        assert_eq!(flat.mass, 2.0);
        assert_eq!(flat.boundary, Boundary::periodic().with(1, Complex::new(-1.0, 0.0)));
        let full = of("mass = -0.3\neven_odd = false\nboundary = [1, 1, 1, 1]\ntolerance = 1e-9\ncsw = 1.76");
        assert_eq!((full.quark(4).mass, full.quark(4).csw, full.terms()), (-0.3, 1.76, 1));
        assert_eq!(full.quark(4).matrix, QuarkMatrix::Full);
        assert_eq!(full.quark(4).boundary, Boundary::periodic());
        let twisted = of("mass = 0\nboundary = [1, 1, 1, { theta = 0.5 }]").quark(4).boundary;
        assert_eq!(twisted, Boundary::periodic().with(3, Complex::new(0.0, 1.0)));
        let one = of("mass = 0\nflavours = 1\nrange = [0.1, 60]");
        assert_eq!((one.rational(), one.terms()), (Some(([0.1, 60.0], 1e-9)), 1));
        assert_eq!((full.solves().action.tolerance, full.solves().force.tolerance), (1e-9, 1e-8));
    }

    #[test]
    fn mistakes_are_told() {
        let refused = |fermions: &str| parse(fermions, "").unwrap_err();
        assert!(refused("even_odd = true").contains("needs `mass` or `kappa`"));
        assert!(refused("mass = 0.1\nkappa = 0.12").contains("give one"));
        assert!(refused("mass = 0.1\nkappa = 0.12").contains("| kappa = 0.12"));
        assert!(refused("kappa = 0").contains("positive"));
        assert!(refused("mass = 0.1\nflavours = 3").contains("3: there are 1 and 2"));
        assert!(refused("mass = 0.1\nflavours = 1").contains("one flavour needs `range`"));
        let one = "mass = 0.1\nflavours = 1\nrange = [0.1, 60]";
        assert!(refused(&one.replace("0.1, 60", "60, 0.1")).contains("two positive numbers that rise"));
        assert!(refused(&format!("{one}\nhasenbusch = [0.5]")).contains("leave `hasenbusch` out"));
        assert!(refused("mass = 0.1\nrange = [0.1, 60]").contains("belongs to `flavours = 1`"));
        assert!(refused("mass = 0.1\nrational_error = 1e-6").contains("belongs to `flavours = 1`"));
        let falling = refused("mass = 0.1\nhasenbusch = [0.5, 0.3]");
        assert!(falling.contains("0.3 is not above 0.5") && falling.contains("| hasenbusch"), "{falling}");
        assert!(refused("mass = 0.1\nhasenbusch = [0.1]").contains("not above 0.1"));
        assert!(refused("mass = -4").contains("kappa = 1/(2m + 8) would be infinite"));
        assert!(refused("mass = 0.1\nboundary = [1, 1, 1, 2]").contains("2 is no boundary phase"));
        assert!(refused("mass = 0.1\ndeterminant = \"dense\"").contains("pseudofermions"));
        for whole in ["exact", "reweight"] {
            let whole = format!("mass = 0.1\ndeterminant = \"{whole}\"");
            assert!(
                refused(&format!("{one}\ndeterminant = \"exact\""))
                    .contains("one flavour is by pseudofermions")
            );
            assert!(
                refused(&format!("{whole}\nhasenbusch = [0.5]")).contains("ratios are of pseudofermions")
            );
        }
        let levels = |keys: &str| parse("mass = 0.1\nhasenbusch = [0.5]", keys);
        assert!(levels("inner_steps = [1, 4]").is_ok());
        let deep = levels("inner_steps = [1, 1, 4]").unwrap_err();
        assert!(deep.contains("4 levels for 3 terms") && deep.contains("| inner_steps"), "{deep}");
        assert!(levels("inner_steps = [0]").unwrap_err().contains("at least 1"));
        assert!(levels("inner_steps = [30000]").unwrap_err().contains("120000 steps"));
    }
}
