//! What can be wrong with a time series.

/// Why a series has no estimate. Positions count from zero; replica in the order they were given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatisticsError {
    /// Fewer measurements than the method can work with.
    #[error("{got} measurements are too few, {needed} are needed: measure longer or thin less")]
    TooFew {
        /// Measurements (or bins) given.
        got: usize,
        /// The least number the method accepts.
        needed: usize,
    },
    /// A measurement is NaN or infinite.
    #[error(
        "observable {observable} is {value} at measurement {index} of replica {replica}: \
         remove it or find out why the measurement failed"
    )]
    NotFinite {
        /// Which observable.
        observable: usize,
        /// Which replica.
        replica: usize,
        /// Position within the replica.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// Every measurement has the same value, so nothing is known about its fluctuation.
    #[error(
        "all {length} measurements equal {value}: a constant series has no statistical error; the \
         observable may be frozen or the chain may have rejected every proposal"
    )]
    Constant {
        /// The one value (of the derived quantity, if the series is one).
        value: f64,
        /// The number of measurements.
        length: usize,
    },
    /// Columns that belong together have different lengths or numbers.
    #[error("{what}: expected {expected}, got {got}; give every observable one value per measurement")]
    Shape {
        /// Which extent disagrees.
        what: &'static str,
        /// The extent required.
        expected: usize,
        /// The extent given.
        got: usize,
    },
    /// The function of the means returned NaN or infinity at or near the measured means.
    #[error(
        "the derived quantity is {value} at the measured means {means:?}: it is outside the function's domain"
    )]
    DerivedNotFinite {
        /// The value returned.
        value: f64,
        /// The arguments.
        means: Vec<f64>,
    },
    /// A parameter of the analysis is out of its range.
    #[error("{name} = {value} is not allowed: {rule}")]
    Parameter {
        /// Which parameter.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it has to be.
        rule: &'static str,
    },
    /// Every weight vanishes, so nothing can be averaged.
    #[error("all {length} weights are zero: the proposal never overlaps with the target")]
    ZeroWeights {
        /// The number of weights.
        length: usize,
    },
}
