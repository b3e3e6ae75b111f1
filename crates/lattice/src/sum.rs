//! Exact sums: integers wide enough for every f64, so the order of adding cannot matter.
//!
//! Each site contributes one rounded value; it is added without error to a fixed-point number that spans the whole
//! range of f64 (after Kulisch; carries deferred as in Neal, arXiv:1505.05571). Sums are therefore the same bits for
//! any number of threads, ranks and lanes. The one rounding is at the end.

use crate::layout::Layout;
use crate::number::{Lanes, Real, Row};

/// Bits of one digit.
const DIGIT: u32 = 32;
/// Digits: exponents −1074 to 1023, 53 bits of mantissa, and headroom for 2⁶⁴ terms.
pub(crate) const DIGITS: usize = (1074 + 1024 + 64) / DIGIT as usize + 2;
/// Additions before a digit (of 32 bits, in an i64) might overflow.
const ADDS_BEFORE_CARRY: u32 = 1 << 30;

/// An exact sum of f64 values.
#[derive(Clone, Debug)]
pub struct ExactSum {
    digits: [i64; DIGITS],
    /// Sum of the infinities and NaNs that came by; 0 if none.
    special: f64,
    adds: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { digits: [0; DIGITS], special: 0.0, adds: 0 }
    }
}

impl ExactSum {
    /// Adds `x` without rounding.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let bits = x.to_bits();
        let biased = (bits >> 52) as u32 & 0x7ff;
        if biased == 0x7ff {
            self.special += x;
            return;
        }
        let fraction = bits & ((1 << 52) - 1);
        let mantissa = if biased == 0 { fraction } else { fraction | 1 << 52 };
        let shift = biased.max(1) - 1;
        let wide = u128::from(mantissa) << (shift % DIGIT);
        let first = (shift / DIGIT) as usize;
        let sign = (bits as i64 >> 63) | 1;
        let digit = |k: u32| i64::from((wide >> (DIGIT * k)) as u32) * sign;
        self.digits[first] += digit(0);
        self.digits[first + 1] += digit(1);
        self.digits[first + 2] += digit(2);
        self.adds += 1;
        if self.adds == ADDS_BEFORE_CARRY {
            self.carry();
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        self.carry();
        other.carry();
        for (a, b) in self.digits.iter_mut().zip(other.digits) {
            *a += b;
        }
        self.special += other.special;
    }

    /// Brings all digits but the last into 0..2³².
    fn carry(&mut self) {
        for k in 0..DIGITS - 1 {
            let carry = self.digits[k] >> DIGIT;
            self.digits[k] -= carry << DIGIT;
            self.digits[k + 1] += carry;
        }
        self.adds = 0;
    }

    /// The sum, rounded once to nearest (ties to even); infinite or NaN where a term was.
    pub fn value(&self) -> f64 {
        if self.special != 0.0 {
            return self.special;
        }
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.digits[DIGITS - 1] < 0;
        if negative {
            sum.digits.iter_mut().for_each(|d| *d = -*d);
            sum.carry();
        }
        let magnitude = round(&sum.digits);
        if negative { -magnitude } else { magnitude }
    }

    /// The digits with carries done: equal for equal sums.
    pub(crate) fn to_words(&self) -> [i64; DIGITS + 1] {
        let mut sum = self.clone();
        sum.carry();
        let mut words = [0; DIGITS + 1];
        words[..DIGITS].copy_from_slice(&sum.digits);
        words[DIGITS] = match self.special {
            0.0 => 0,
            f64::INFINITY => 1,
            f64::NEG_INFINITY => 1 << 20,
            _ => 1 << 40,
        };
        words
    }

    /// From the element-wise sum of [`ExactSum::to_words`] over ranks.
    pub(crate) fn from_words(words: &[i64]) -> Self {
        let mut sum = Self::default();
        sum.digits.copy_from_slice(&words[..DIGITS]);
        let (plus, minus, nan) =
            (words[DIGITS] & 0xf_ffff, words[DIGITS] >> 20 & 0xf_ffff, words[DIGITS] >> 40);
        sum.special = match (plus > 0, minus > 0, nan > 0) {
            (false, false, false) => 0.0,
            (true, false, false) => f64::INFINITY,
            (false, true, false) => f64::NEG_INFINITY,
            _ => f64::NAN,
        };
        sum
    }
}

/// The sums of one launch on one thread: `quantities` × chains.
pub struct Tally<'a> {
    sums: &'a mut [ExactSum],
    /// Lanes that count, and configurations among them.
    lanes: usize,
    chains: usize,
}

impl<'a> Tally<'a> {
    /// A tally over the lanes of a layout; `sums` holds `chains` entries for each quantity.
    pub fn new(layout: &Layout, sums: &'a mut [ExactSum]) -> Self {
        Self { sums, lanes: layout.distinct_lanes(), chains: layout.chains() }
    }

    /// A tally for kernels without sums.
    pub fn none() -> Self {
        Self { sums: &mut [], lanes: 0, chains: 1 }
    }

    /// Adds each lane's value to the sum of its configuration.
    #[inline(always)]
    pub fn add<V: Lanes>(&mut self, quantity: usize, v: V) {
        let row = Row::from_lanes(v);
        if self.chains == 1 {
            let sum = &mut self.sums[quantity];
            row.0[..self.lanes].iter().for_each(|x| sum.add(x.to_f64()));
        } else {
            let sums = &mut self.sums[quantity * self.chains..][..self.chains];
            sums.iter_mut().zip(&row.0).for_each(|(sum, x)| sum.add(x.to_f64()));
        }
    }
}

/// The non-negative number Σ digit_k 2^(32 k − 1074), rounded to nearest even.
fn round(digits: &[i64; DIGITS]) -> f64 {
    let Some(top) = digits.iter().rposition(|&d| d != 0) else { return 0.0 };
    // The leading digit and the two below hold at least 65 significant bits; anything further is a sticky bit.
    let at = |k: usize| digits.get(k).map_or(0, |&d| d as u128);
    let low = top.saturating_sub(2);
    let mut wide = at(low) | at(low + 1) << 32 | at(low + 2) << 64;
    if digits[..low].iter().any(|&d| d != 0) {
        wide |= 1;
    }
    let exponent = (low as i32) * DIGIT as i32 - 1074;
    // Rounded to the spacing of f64 at this size: 2^-1074 below the normal range.
    let excess = (128 - wide.leading_zeros() as i32 - 53).max(-1074 - exponent).max(0) as u32;
    let (kept, rest) = (wide >> excess, wide & ((1u128 << excess) - 1));
    let half = if excess == 0 { 1 } else { 1u128 << (excess - 1) };
    let up = excess > 0 && (rest > half || rest == half && kept & 1 == 1);
    let mantissa = (kept + up as u128) as f64;
    // Two factors, each a normal power of two, so that only an overflow is inexact.
    let power = exponent + excess as i32;
    let half_power = power / 2;
    mantissa * 2f64.powi(half_power) * 2f64.powi(power - half_power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(terms: &[f64]) -> f64 {
        let mut s = ExactSum::default();
        terms.iter().for_each(|&x| s.add(x));
        s.value()
    }

    #[test]
    fn cancellations_leave_nothing_behind() {
        assert_eq!(sum(&[1e300, 1.0, -1e300]), 1.0);
        assert_eq!(sum(&[1e300, 1e-300, -1e300, -1e-300]), 0.0);
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[f64::from_bits(1), f64::from_bits(1)]), f64::from_bits(2));
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum(&[-f64::MAX, f64::MAX, -0.5]), -0.5);
    }

    #[test]
    fn ties_go_to_even() {
        let ulp = f64::EPSILON;
        assert_eq!(sum(&[1.0, ulp / 2.0]), 1.0);
        assert_eq!(sum(&[1.0 + ulp, ulp / 2.0]), 1.0 + 2.0 * ulp);
        assert_eq!(sum(&[1.0, ulp / 2.0, 1e-300]), 1.0 + ulp);
    }

    #[test]
    fn infinities_and_nans_are_not_lost() {
        assert_eq!(sum(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert!(sum(&[f64::NEG_INFINITY, f64::INFINITY]).is_nan());
        assert!(sum(&[f64::NAN]).is_nan());
    }

    proptest! {
        #[test]
        fn one_term_is_itself(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            prop_assert_eq!(sum(&[x]).to_bits(), if x == 0.0 { 0 } else { bits });
        }

        #[test]
        fn two_terms_round_as_hardware_does(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            prop_assert_eq!(sum(&[a, b]), a + b);
        }

        #[test]
        fn order_and_grouping_do_not_matter(terms in proptest::collection::vec(any::<f64>(), 1..60), cut in 0usize..60) {
            prop_assume!(terms.iter().all(|x| x.is_finite()));
            let reversed: Vec<f64> = terms.iter().rev().copied().collect();
            prop_assert_eq!(sum(&terms).to_bits(), sum(&reversed).to_bits());
            let (left, right) = terms.split_at(cut.min(terms.len()));
            let (mut a, mut b) = (ExactSum::default(), ExactSum::default());
            left.iter().for_each(|&x| a.add(x));
            right.iter().for_each(|&x| b.add(x));
            let words: Vec<i64> = a.to_words().iter().zip(b.to_words()).map(|(x, y)| x + y).collect();
            prop_assert_eq!(ExactSum::from_words(&words).value().to_bits(), sum(&terms).to_bits());
            a.merge(&b);
            prop_assert_eq!(a.value().to_bits(), sum(&terms).to_bits());
        }
    }
}
