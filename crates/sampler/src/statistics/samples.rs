//! Measurements of one or more primary observables on one or more replica.

use super::StatisticsError;

/// Time series of `A` primary observables, measured together on `R` independent replica.
///
/// Replica may differ in length; all observables of a replica have one value per measurement. Every
/// value is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// One column an observable, replica one after the other.
    columns: Vec<Vec<f64>>,
    /// The number of measurements of each replica.
    lengths: Vec<usize>,
}

impl Samples {
    /// One observable on one replica.
    ///
    /// # Errors
    /// [`StatisticsError::NotFinite`] for a NaN or infinite value, `TooFew` for an empty series.
    pub fn from_series(series: &[f64]) -> Result<Self, StatisticsError> {
        Self::from_observables(&[series])
    }

    /// One observable on several replica.
    ///
    /// # Errors
    /// As [`Samples::from_series`].
    pub fn from_replica(replica: &[&[f64]]) -> Result<Self, StatisticsError> {
        let (first, rest) = replica.split_first().ok_or(StatisticsError::TooFew { got: 0, needed: 1 })?;
        let mut samples = Self::from_series(first)?;
        for series in rest {
            samples.push_replica(&[series])?;
        }
        Ok(samples)
    }

    /// Several observables on one replica: `columns[a][i]` is observable `a` at measurement `i`.
    ///
    /// # Errors
    /// As [`Samples::from_series`], and [`StatisticsError::Shape`] for columns of unequal length.
    pub fn from_observables(columns: &[&[f64]]) -> Result<Self, StatisticsError> {
        if columns.is_empty() {
            return Err(StatisticsError::TooFew { got: 0, needed: 1 });
        }
        let mut samples = Self { columns: vec![Vec::new(); columns.len()], lengths: Vec::new() };
        samples.push_replica(columns)?;
        Ok(samples)
    }

    /// Adds a replica with the same observables.
    ///
    /// # Errors
    /// As [`Samples::from_observables`]; the samples are unchanged then.
    pub fn push_replica(&mut self, columns: &[&[f64]]) -> Result<(), StatisticsError> {
        let shape = |what, expected, got| Err(StatisticsError::Shape { what, expected, got });
        if columns.len() != self.columns.len() {
            return shape("number of observables", self.columns.len(), columns.len());
        }
        let length = columns[0].len();
        if length == 0 {
            return Err(StatisticsError::TooFew { got: 0, needed: 1 });
        }
        for (observable, column) in columns.iter().enumerate() {
            if column.len() != length {
                return shape("length of an observable's series", length, column.len());
            }
            if let Some(index) = column.iter().position(|value| !value.is_finite()) {
                let (replica, value) = (self.lengths.len(), column[index]);
                return Err(StatisticsError::NotFinite { observable, replica, index, value });
            }
        }
        for (own, new) in self.columns.iter_mut().zip(columns) {
            own.extend_from_slice(new);
        }
        self.lengths.push(length);
        Ok(())
    }

    /// The number of measurements `N`, all replica together.
    pub fn len(&self) -> usize {
        self.columns[0].len()
    }

    /// Always false: samples hold at least one measurement.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of primary observables.
    pub fn observables(&self) -> usize {
        self.columns.len()
    }

    /// The number of measurements of each replica.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The series of one observable, replica one after the other.
    pub fn column(&self, observable: usize) -> &[f64] {
        &self.columns[observable]
    }

    /// The mean of each observable over all measurements of all replica.
    pub fn means(&self) -> Vec<f64> {
        self.columns.iter().map(|column| mean(column)).collect()
    }

    /// The mean of each observable over one replica.
    pub fn replica_means(&self, replica: usize) -> Vec<f64> {
        let start: usize = self.lengths[..replica].iter().sum();
        let range = start..start + self.lengths[replica];
        self.columns.iter().map(|column| mean(&column[range.clone()])).collect()
    }

    /// Half-open ranges of measurements that the replica occupy in a column.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.lengths.iter().scan(0, |start, length| {
            let range = *start..*start + length;
            *start = range.end;
            Some(range)
        })
    }
}

/// The mean, accurate for series whose fluctuation is far below their size and safe from overflow.
///
/// Deviations from the first value are averaged, so a constant series has exactly its value as mean.
pub(super) fn mean(series: &[f64]) -> f64 {
    let reference = series[0];
    let count = series.len() as f64;
    reference + series.iter().map(|value| value / count - reference / count).sum::<f64>()
}

/// `f` at the means, or the error that names them.
pub(super) fn finite(f: &impl Fn(&[f64]) -> f64, means: &[f64]) -> Result<f64, StatisticsError> {
    let value = f(means);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(StatisticsError::DerivedNotFinite { value, means: means.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_weight_replica_by_their_length() {
        let samples = Samples::from_replica(&[&[1.0, 3.0, 5.0], &[11.0]]).unwrap();
        assert_eq!(samples.means(), [5.0]);
        assert_eq!(samples.replica_means(0), [3.0]);
        assert_eq!(samples.replica_means(1), [11.0]);
        assert_eq!(samples.ranges().collect::<Vec<_>>(), [0..3, 3..4]);
    }

    #[test]
    fn mean_neither_overflows_nor_drifts() {
        assert_eq!(mean(&[f64::MAX; 3]), f64::MAX);
        assert_eq!(mean(&[0.1; 1000]), 0.1);
    }

    #[test]
    fn bad_input_is_named_and_changes_nothing() {
        let mut samples = Samples::from_observables(&[&[1.0, 2.0], &[3.0, 4.0]]).unwrap();
        let before = samples.clone();
        assert_eq!(
            samples.push_replica(&[&[1.0, 2.0], &[1.0, f64::INFINITY]]),
            Err(StatisticsError::NotFinite { observable: 1, replica: 1, index: 1, value: f64::INFINITY })
        );
        assert!(matches!(samples.push_replica(&[&[1.0]]), Err(StatisticsError::Shape { .. })));
        assert!(matches!(samples.push_replica(&[&[1.0], &[1.0, 2.0]]), Err(StatisticsError::Shape { .. })));
        assert!(matches!(samples.push_replica(&[&[], &[]]), Err(StatisticsError::TooFew { .. })));
        assert_eq!(samples, before);
        assert!(matches!(Samples::from_series(&[f64::NAN]), Err(StatisticsError::NotFinite { .. })));
        assert!(matches!(Samples::from_replica(&[]), Err(StatisticsError::TooFew { .. })));
        assert!(matches!(Samples::from_observables(&[]), Err(StatisticsError::TooFew { .. })));
    }
}
