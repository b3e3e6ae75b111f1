//! Copies in single precision: a file of f32 and one of f64 whose averages differ by the rounding of f32 only. That raises a
//! suspicion; their links, compared one by one, decide.
//!
//! Each number of an f32 link is off by 2⁻²⁵ ≈ 3e-8 at most, a plaquette of four links by about 1e-7, and the average of n
//! plaquettes by about 1e-7 / √n.

use super::content::Reading;
use super::examine::Examined;
use super::finding::{Finding, named};
use super::member::Member;
use crate::cli::ShapeArgs;
use crate::error::DriverError;
use crate::links::{self, Differences, Lattices, with_group};
use gaugelink_lattice::GaugeField;
use gaugelink_lattice::file::read;
use std::sync::atomic::AtomicBool;

/// Averages of plaquettes that differ by more are not those of one field, rounded and not.
const AVERAGE: f64 = 1e-8;
/// The same of one plaquette, for lattices that have few.
const PLAQUETTE: f64 = 4e-7;
/// The same of averages of Polyakov loops, products of as many links as the lattice is long.
const LOOP: f64 = 1e-6;

/// A file of f32 and one of f64 that may hold the same field, as places in a list of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rounded {
    pub single: usize,
    pub double: usize,
    /// Whether their links agree to the rounding of f32.
    pub same: bool,
}

impl Rounded {
    /// Looks for such pairs, and reads both files of each. Files of one number are found as that.
    pub fn find(readings: &[Reading<'_>], shape: &ShapeArgs) -> Vec<Self> {
        let of = |precision: &str| -> Vec<(usize, &Member, &Examined)> {
            let examined = readings.iter().enumerate().filter_map(|(place, reading)| {
                let found = reading.found.as_ref().ok().filter(|found| found.precision == precision)?;
                Some((place, reading.member, found)).filter(|_| reading.member.belongs)
            });
            examined.filter(|(.., found)| found.plaquette.is_some()).collect()
        };
        let (singles, mut doubles) = (of("f32"), of("f64"));
        let plaquette = |found: &Examined| found.plaquette.unwrap_or_default();
        doubles.sort_by(|(.., a), (.., b)| plaquette(a).total_cmp(&plaquette(b)));
        let mut lattices = Lattices::new(0);
        let mut pairs = Vec::new();
        for (single, member, found) in singles {
            let (own, most) = (plaquette(found), tolerance(found));
            let first = doubles.partition_point(|(.., f)| plaquette(f) < own - most);
            for &(double, other, wide) in &doubles[first..] {
                if plaquette(wide) > own + most {
                    break;
                }
                let one_number =
                    member.number.is_some() && (&member.chain, member.number) == (&other.chain, other.number);
                if one_number || !alike(found, wide) {
                    continue;
                }
                // What cannot be read again is not known to be a copy.
                let same = with_group!(found.nc, N => agree::<N>(member, other, shape, &mut lattices));
                pairs.push(Self { single, double, same: same.unwrap_or(false) });
            }
        }
        pairs
    }

    /// What is to be said of it.
    pub fn finding(&self, readings: &[Reading<'_>]) -> Finding {
        let members = [self.double, self.single].map(|place| readings[place].member);
        let files = members.map(|member| member.name.clone()).to_vec();
        let numbers = members.iter().filter_map(|member| member.number).collect();
        let finding = match self.same {
            true => {
                let message = format!(
                    "{} hold the same links but for the rounding of f32: a copy in single precision; averages leave copies out",
                    named(&files)
                );
                Finding::wrong("rounded copy", files, message)
            }
            false => {
                let message = format!(
                    "{} have the same plaquettes and Polyakov loops but for the rounding of f32, and other links: perhaps a \
                     gauge transformation; averages count both, find out where they come from",
                    named(&files)
                );
                Finding::note("rounded copy", files, message)
            }
        };
        finding.about(numbers)
    }
}

/// The largest difference of two average plaquettes that rounding to f32 explains.
fn tolerance(found: &Examined) -> f64 {
    let dims = found.dims.iter().filter(|&&extent| extent > 1).count();
    let plaquettes = found.dims.iter().product::<usize>() * dims * dims.saturating_sub(1) / 2;
    AVERAGE.max(PLAQUETTE / (plaquettes.max(1) as f64).sqrt())
}

/// Whether everything else that no gauge transformation changes is the same.
fn alike(a: &Examined, b: &Examined) -> bool {
    let loops = a.polyakov.as_flattened().iter().zip(b.polyakov.as_flattened());
    let temporal = a.temporal_plaquette.zip(b.temporal_plaquette);
    (a.nc, a.dims) == (b.nc, b.dims)
        && temporal.is_none_or(|(x, y)| (x - y).abs() <= 2.0 * tolerance(a))
        && loops.into_iter().all(|(x, y)| (x - y).abs() <= LOOP)
}

/// Whether the links of two files agree to the rounding of f32.
fn agree<const N: usize>(
    single: &Member,
    double: &Member,
    shape: &ShapeArgs,
    lattices: &mut Lattices,
) -> Result<bool, DriverError> {
    let [single, double] = [single, double].map(|member| links::open(&member.path, shape, 0));
    let (single, double) = (single?, double?);
    let mut u = GaugeField::<f64, N>::cold(&lattices.of(&double)?)?;
    read(&double, &mut u, 0)?;
    let (found, _) = Differences::from_file(&u, &single, &AtomicBool::new(false))?;
    Ok(found.largest() <= (2.0 * (N * N) as f64).sqrt() * single.body().rounding())
}
