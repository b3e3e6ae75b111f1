//! One look at every link: is it a number, zero, unitary, of determinant 1, and where is it not.

use gaugelink_lattice::number::Row;
use gaugelink_lattice::{
    Complex, GaugeField, Kernel, Lanes, Layout, LinkReader, Matrix, Num, Real, Site, Tally,
};
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;

/// Deviations beyond this are looked at one by one: links far from the group, zeros, and what is no number.
const FAR: f64 = 1e-6;

/// A link, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkPlace {
    /// Number of the site in file order.
    index: usize,
    /// Direction.
    mu: usize,
    /// Coordinates.
    site: Site,
    /// Dimensions of the lattice.
    dims: usize,
}

/// "site (1,0,3,2), direction t".
impl fmt::Display for LinkPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site[..self.dims].iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        write!(f, "site ({site}), direction {}", ["x", "y", "z", "t"][self.mu])
    }
}

/// Links with one flaw: how many, and the first in file order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flaw {
    pub count: u64,
    pub first: Option<LinkPlace>,
}

impl Flaw {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        let order = |place: &LinkPlace| (place.index, place.mu);
        self.first = self.first.into_iter().chain(other.first).min_by_key(order);
    }
}

/// What one rank's links are like. Zero links and those that are no numbers are counted and left out of the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// Links with an infinity or a NaN.
    pub not_finite: Flaw,
    /// Links that are exactly zero.
    pub zero: Flaw,
    /// Those of them that point out of the last time slice: an open boundary has all of these.
    pub zero_at_end: u64,
    /// Links that point out of the last time slice.
    pub end: u64,
    /// Largest ‖U U† − 1‖² (Frobenius), squared, and where.
    unitarity: (f64, Option<LinkPlace>),
    /// Links beyond [`Survey::UNITARY`].
    pub not_unitary: Flaw,
    /// Largest |det U − 1|², squared, and where; 0 for U(1).
    determinant: (f64, Option<LinkPlace>),
    /// Links, unitary ones, beyond [`Survey::SPECIAL`].
    pub not_special: Flaw,
}

impl Survey {
    /// Largest ‖U U† − 1‖ of a gauge field. Rounding to single precision alone gives at most 2·2⁻²⁴ √N = 2.4e-7;
    /// single-precision runs drift to a few 1e-6 before they reunitarise. Fat or unprojected links, wrong shapes and
    /// damage are off by orders of magnitude.
    pub const UNITARY: f64 = 1e-5;
    /// Largest |det U − 1| of a gauge field: a determinant gathers the rounding of N rows, and a phase or a sign
    /// changes it by far more.
    pub const SPECIAL: f64 = 1e-4;

    /// Looks at the links of one chain on all threads.
    pub fn of<T: Real, const N: usize>(field: &GaugeField<T, N>, chain: usize) -> Self {
        let lattice = field.lattice();
        let looking = Looking { links: field.links(), chain, found: Mutex::default() };
        lattice.launch(&looking, 0..field.layout().blocks());
        let mut survey = looking.found.into_inner().unwrap_or_else(|e| e.into_inner());
        let geometry = lattice.geometry();
        let time = geometry.dims() - 1;
        let at_end = geometry.origin()[time] + geometry.local_extents()[time] == geometry.extents()[time];
        survey.end =
            if at_end { (geometry.local_volume() / geometry.local_extents()[time]) as u64 } else { 0 };
        survey
    }

    /// The largest ‖U U† − 1‖ (Frobenius).
    pub fn unitarity(&self) -> f64 {
        self.unitarity.0.sqrt()
    }

    /// The largest |det U − 1|; 0 for U(1).
    pub fn determinant(&self) -> f64 {
        self.determinant.0.sqrt()
    }

    /// The link that is furthest from unitarity.
    pub fn worst(&self) -> Option<LinkPlace> {
        self.unitarity.1
    }

    /// A sentence on links that are no numbers, if there are any.
    pub fn not_finite(&self) -> Option<String> {
        let place = self.not_finite.first?;
        Some(format!(
            "{} not finite (NaN or infinity), the first at {place}: the file is damaged or a diverged run wrote it; \
             take another copy or an earlier configuration",
            counted(self.not_finite.count, "link is", "links are")
        ))
    }

    fn add(&mut self, other: &Self) {
        self.not_finite.add(other.not_finite);
        self.zero.add(other.zero);
        self.zero_at_end += other.zero_at_end;
        self.not_unitary.add(other.not_unitary);
        self.not_special.add(other.not_special);
        for (mine, (off, place)) in
            [(&mut self.unitarity, other.unitarity), (&mut self.determinant, other.determinant)]
        {
            keep_worst(mine, off, || place);
        }
    }

    /// One link that is not simply near the group.
    #[cold]
    #[inline(never)]
    fn add_far<T: Real, const N: usize>(
        &mut self,
        u: &Matrix<T, N>,
        [off, det_off]: [f64; 2],
        place: LinkPlace,
        end: usize,
    ) {
        let one = Flaw { count: 1, first: Some(place) };
        let numbers = || u.0.iter().flatten().flat_map(|z| [z.re.to_f64(), z.im.to_f64()]);
        if !numbers().all(f64::is_finite) {
            return self.not_finite.add(one);
        }
        if numbers().all(|x| x == 0.0) {
            self.zero.add(one);
            self.zero_at_end += (place.mu + 1 == place.dims && place.site[place.mu] == end) as u64;
            return;
        }
        // Squares of huge numbers may overflow.
        let [off, det_off] = [off, det_off].map(|x| if x.is_finite() { x } else { f64::MAX });
        keep_worst(&mut self.unitarity, off, || Some(place));
        keep_worst(&mut self.determinant, det_off, || Some(place));
        if off > Self::UNITARY * Self::UNITARY {
            self.not_unitary.add(one);
        } else if det_off > Self::SPECIAL * Self::SPECIAL {
            self.not_special.add(one);
        }
    }
}

/// Keeps the larger deviation; of equal ones the first in file order, so that threads do not matter.
#[inline(always)]
fn keep_worst(worst: &mut (f64, Option<LinkPlace>), off: f64, place: impl FnOnce() -> Option<LinkPlace>) {
    if off < worst.0 || off == 0.0 {
        return;
    }
    let place = place();
    let order = |place: Option<LinkPlace>| place.map(|place| (place.index, place.mu));
    if off > worst.0 || order(place) < order(worst.1) {
        *worst = (off, place);
    }
}

/// "1 link is" or "12 links are".
pub(crate) fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

struct Looking<'a, T, const N: usize> {
    links: LinkReader<'a, T, N>,
    chain: usize,
    found: Mutex<Survey>,
}

impl<T: Real, const N: usize> Kernel<T> for Looking<'_, T, N> {
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(&self, range: Range<usize>, _: &mut Tally<'_>) {
        let layout: &Layout = self.links.0.layout();
        let geometry = layout.geometry();
        let dims = geometry.dims();
        let mut mine = Survey::default();
        for block in range {
            for mu in 0..dims {
                let u = self.links.at::<V>(block, mu);
                let off = Row::from_lanes((u.mul_adjoint(&u) - Matrix::unit()).norm2());
                let det = determinant(&u);
                let det_off = Complex::new(det.re - V::splat(1.0), det.im).norm2();
                let det_off = Row::from_lanes(det_off);
                for lane in (0..layout.distinct_lanes()).filter(|&l| layout.chain_of(l) == self.chain) {
                    let deviations = [off.0[lane].to_f64(), det_off.0[lane].to_f64()];
                    let place = || {
                        let site = layout.site(block, lane);
                        LinkPlace { index: geometry.site_index(&site), mu, site, dims }
                    };
                    // Written so that a NaN is far.
                    if !(deviations[0] < FAR * FAR && deviations[1] < FAR * FAR) {
                        let rows = self.links.0.rows(block, mu * 2 * N * N, 2 * N * N);
                        let link = Matrix::<T, N>::from_fn(|i, j| {
                            let c = 2 * (i * N + j);
                            // SAFETY: the rows asked for hold 2 N² numbers of every lane.
                            let at = |c: usize| unsafe { rows.add(c * T::LANES + lane).read() };
                            Complex::new(at(c), at(c + 1))
                        });
                        mine.add_far(&link, deviations, place(), geometry.extents()[dims - 1] - 1);
                        continue;
                    }
                    keep_worst(&mut mine.unitarity, deviations[0], || Some(place()));
                    keep_worst(&mut mine.determinant, deviations[1], || Some(place()));
                }
            }
        }
        self.found.lock().unwrap_or_else(|e| e.into_inner()).add(&mine);
    }
}

/// det U for N = 2 to 4, by minors of the first two rows; 1 for U(1), which has no such condition.
#[inline(always)]
fn determinant<V: Num, const N: usize>(u: &Matrix<V, N>) -> Complex<V> {
    let minor =
        |top: usize, a: usize, b: usize| u.0[top][a] * u.0[top + 1][b] - u.0[top][b] * u.0[top + 1][a];
    match N {
        2 => minor(0, 0, 1),
        3 => minor(0, 0, 1) * u.0[2][2] - minor(0, 0, 2) * u.0[2][1] + minor(0, 1, 2) * u.0[2][0],
        4 => {
            minor(0, 0, 1) * minor(2, 2, 3) - minor(0, 0, 2) * minor(2, 1, 3)
                + minor(0, 0, 3) * minor(2, 1, 2)
                + minor(0, 1, 2) * minor(2, 0, 3)
                - minor(0, 1, 3) * minor(2, 0, 2)
                + minor(0, 2, 3) * minor(2, 0, 1)
        }
        _ => Complex::new(V::splat(1.0), V::splat(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaugelink_lattice::rng::{Address, Purpose};
    use gaugelink_lattice::{LaneMeaning, Lattice, LatticeOptions};

    fn field<const N: usize>(extents: &[usize], lanes: LaneMeaning) -> GaugeField<f64, N> {
        let lattice = Lattice::new(extents, LatticeOptions { lanes, ..LatticeOptions::default() }).unwrap();
        let mut u = GaugeField::cold(&lattice).unwrap();
        // SU(4) has no exponential: SU(2) in its first two rows will do.
        let part = GaugeField::<f64, 2>::random(&lattice, 1.0, Address::new(4, Purpose::Start)).unwrap();
        for block in 0..u.layout().blocks() {
            for (mu, lane) in (0..extents.len()).flat_map(|mu| (0..8).map(move |lane| (mu, lane))) {
                let v = part.link(block, mu, lane);
                u.set_link(
                    block,
                    mu,
                    lane,
                    &Matrix::from_fn(|i, j| match N {
                        1 => v.0[0][0].scale(v.0[0][0].norm2().sqrt().recip()),
                        _ if i < 2 && j < 2 => v.0[i][j],
                        _ => Complex::new((i == j) as u8 as f64, 0.0),
                    }),
                );
            }
        }
        u
    }

    fn change<const N: usize>(u: &mut GaugeField<f64, N>, x: Site, mu: usize, link: Matrix<f64, N>) {
        let (block, lane) = u.layout().locate(&x);
        for lane in u.layout().copies(lane) {
            u.set_link(block, mu, lane, &link);
        }
    }

    fn check<const N: usize>(extents: &[usize]) {
        let mut u = field::<N>(extents, LaneMeaning::Sites);
        let clean = Survey::of(&u, 0);
        assert!(clean.unitarity() < 1e-14 && clean.determinant() < 1e-14, "{clean:?}");
        assert_eq!((clean.not_finite, clean.zero.count, clean.not_unitary.count), (Flaw::default(), 0, 0));
        assert_eq!(clean.end as usize, u.lattice().volume() / extents[extents.len() - 1]);

        let at = |x: usize| std::array::from_fn(|mu| if mu < extents.len() { x } else { 0 });
        change(&mut u, at(1), 0, Matrix::diagonal(Complex::new(f64::NAN, 0.0)));
        change(&mut u, at(0), 1, Matrix::diagonal(Complex::new(1.0, f64::INFINITY)));
        change(&mut u, at(2), 0, Matrix::zero());
        change(&mut u, at(2), 1, Matrix::diagonal(Complex::new(1.5, 0.0)));
        // A phase i has determinant 1 in SU(4) only.
        change(&mut u, at(3), 1, Matrix::diagonal(Complex::new(0.0, 1.0)));
        let found = Survey::of(&u, 0);
        assert_eq!((found.not_finite.count, found.zero.count, found.not_unitary.count), (2, 1, 1));
        assert!(found.not_finite().unwrap().contains("(0,0"), "{:?}", found.not_finite());
        assert!((found.unitarity() - 1.25 * (N as f64).sqrt()).abs() < 1e-14, "{found:?}");
        assert_eq!(found.worst().map(|place| (place.site, place.mu)), Some((at(2), 1)));
        assert_eq!(found.not_special.count, (N == 2 || N == 3) as u64, "N={N}");
    }

    #[test]
    fn every_flaw_is_found_at_its_place() {
        check::<1>(&[6, 8]);
        check::<2>(&[4, 6, 4]);
        check::<3>(&[4, 4, 4, 8]);
        check::<4>(&[4, 4, 4, 4]);
    }

    /// det diag(a, …) P with a permutation P: products and signs are known.
    #[test]
    fn determinants_of_known_matrices() {
        fn of<const N: usize>(rows: [usize; N]) -> f64 {
            let u = Matrix::<f64, N>::from_fn(|i, j| {
                Complex::new(if rows[i] == j { 1.0 + i as f64 } else { 0.0 }, 0.0)
            });
            determinant(&u).re
        }
        assert_eq!((of([0, 1]), of([1, 0])), (2.0, -2.0));
        assert_eq!((of([0, 1, 2]), of([1, 2, 0]), of([2, 1, 0])), (6.0, 6.0, -6.0));
        let even = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0], [0, 2, 3, 1]];
        let odd = [[1, 0, 2, 3], [2, 1, 0, 3], [3, 1, 2, 0], [0, 1, 3, 2], [1, 2, 3, 0]];
        assert_eq!((even.map(of), odd.map(of)), ([24.0; 5], [-24.0; 5]));
    }

    #[test]
    fn an_open_boundary_is_told_apart() {
        let mut u = field::<3>(&[4, 4, 4, 8], LaneMeaning::Sites);
        for index in 0..64 {
            change(&mut u, [index % 4, index / 4 % 4, index / 16, 7], 3, Matrix::zero());
        }
        let found = Survey::of(&u, 0);
        assert_eq!((found.zero.count, found.zero_at_end, found.end), (64, 64, 64));
        change(&mut u, [0, 0, 0, 3], 3, Matrix::zero());
        assert_eq!(Survey::of(&u, 0).zero_at_end, 64);
    }

    #[test]
    fn other_chains_of_a_batch_are_not_looked_at() {
        let mut u = field::<2>(&[4, 6], LaneMeaning::Batch { chains: 3 });
        for lane in u.layout().copies(1) {
            u.set_link(5, 1, lane, &Matrix::diagonal(Complex::new(f64::NAN, 0.0)));
        }
        let count = |chain| Survey::of(&u, chain).not_finite.count;
        assert_eq!([0, 1, 2].map(count), [0, 1, 0]);
    }
}
