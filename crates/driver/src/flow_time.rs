//! Flow times in whole steps that the integrator can take.

/// Steps of at most `step` that end at flow time `time`, and the length of each. Both are positive.
pub(crate) fn whole_steps(time: f64, step: f64) -> (usize, f64) {
    // A step that divides the time but for rounding must not gain one.
    let steps = ((time / step * (1.0 - 1e-12)).ceil() as usize).max(1);
    (steps, time / steps as f64)
}

/// Why a step is too long for this many dimensions, if it is.
///
/// A link's fluctuation of momentum p decays with the rate Σ 4 sin²(p/2), at most 4 for each dimension, and the third-order
/// Runge–Kutta scheme is stable up to 2.51 of rate times step. Beyond it every step makes the field rougher.
pub(crate) fn too_long(step: f64, dims: usize) -> Option<String> {
    let longest = 2.5 / (4 * dims) as f64;
    (step > longest).then(|| {
        format!(
            "a flow step of {step} is too long for {dims} dimensions, where steps above {longest:.3} make the links \
             rougher instead of smoother: expected at most that; 0.02 is precise"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_stable_up_to_the_bound_of_the_dimensions() {
        for (dims, stable, unstable) in [(4, 0.156, 0.157), (3, 0.208, 0.209), (2, 0.312, 0.313)] {
            assert_eq!(too_long(stable, dims), None, "{dims}");
            let why = too_long(unstable, dims).unwrap();
            assert!(why.contains("too long") && why.contains(&format!("{dims} dimensions")), "{why}");
        }
    }

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
