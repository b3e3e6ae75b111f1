//! How the learning rate goes down.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The factor on the first learning rate, by step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// 1 throughout.
    Constant,
    /// ½ (1 + cos π step/steps): from 1 to 0 along half a wave.
    Cosine,
    /// 1, then 0.1 from three quarters of the steps on.
    Step,
}

impl Schedule {
    /// The factor at a step (counted from 0) of `steps`.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let done = step as f64 / steps.max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * done).cos()),
            Self::Step if done < 0.75 => 1.0,
            Self::Step => 0.1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_as_described() {
        assert_eq!(Schedule::Constant.factor(99, 100), 1.0);
        assert_eq!(Schedule::Cosine.factor(0, 100), 1.0);
        assert!((Schedule::Cosine.factor(50, 100) - 0.5).abs() < 1e-15);
        assert!((Schedule::Cosine.factor(25, 100) - 0.5 * (1.0 + 0.5f64.sqrt())).abs() < 1e-15);
        assert_eq!((Schedule::Step.factor(74, 100), Schedule::Step.factor(75, 100)), (1.0, 0.1));
    }
}
