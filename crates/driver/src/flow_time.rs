//! Flow times in whole steps.

/// Steps of at most `step` that end at flow time `time`, and the length of each. Both are positive.
pub(crate) fn whole_steps(time: f64, step: f64) -> (usize, f64) {
    // A step that divides the time but for rounding must not gain one.
    let steps = ((time / step * (1.0 - 1e-12)).ceil() as usize).max(1);
    (steps, time / steps as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_end_where_they_are_asked_to() {
        for (time, step, expected) in [
            (1.0, 0.02, 50),
            (2.0, 0.02, 100),
            (0.3, 0.1, 3),
            (0.05, 0.02, 3),
            (1.0, 0.3, 4),
            (0.01, 0.02, 1),
        ] {
            let (steps, epsilon) = whole_steps(time, step);
            assert_eq!(steps, expected, "{time} in steps of {step}");
            assert!((epsilon * steps as f64 - time).abs() < 1e-15 && epsilon <= step * (1.0 + 1e-12));
        }
    }
}
