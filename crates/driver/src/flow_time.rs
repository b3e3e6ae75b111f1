//! Flow times in whole steps that the integrator can take.

/// Steps of a flow at most: at 0.02 they reach a flow time of 20 000, a smearing radius of 400 lattice spacings.
const MOST_STEPS: usize = 1_000_000;

/// Steps of at most `step` that end at flow time `time`, and the length of each. Both are positive.
pub(crate) fn whole_steps(time: f64, step: f64) -> (usize, f64) {
    // A step that divides the time but for rounding must not gain one.
    let steps = ((time / step * (1.0 - 1e-12)).ceil() as usize).max(1);
    (steps, time / steps as f64)
}

/// Why a flow in these [`whole_steps`] makes no sense in this many dimensions, if so; `c1` is the coefficient of rectangles
/// in its action, 0 for Wilson's.
///
/// A link's fluctuation of momentum p decays with the rate Σ 4 sin²(p/2), at most 4 for each dimension, with rectangles up to
/// 1 − 8 c₁ times as fast, and the third-order Runge–Kutta scheme is stable up to 2.51 of rate times step. Beyond it every
/// step makes the field rougher.
pub(crate) fn problem((steps, step): (usize, f64), dims: usize, c1: f64) -> Option<String> {
    if steps > MOST_STEPS {
        return Some(format!(
            "the flow would take more than {MOST_STEPS} steps: expected a longer step or a shorter time; steps of 0.02 \
             are precise"
        ));
    }
    let longest = 2.5 / ((4 * dims) as f64 * (1.0 - 8.0 * c1));
    (step > longest).then(|| {
        format!(
            "a flow step of {step} is too long for this action in {dims} dimensions, where steps above {longest:.3} make \
             the links rougher instead of smoother: expected at most that; 0.02 is precise"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_stable_up_to_the_bound_of_the_dimensions() {
        for (dims, stable, unstable) in [(4, 0.156, 0.157), (3, 0.208, 0.209), (2, 0.312, 0.313)] {
            assert_eq!(problem((1, stable), dims, 0.0), None, "{dims}");
            let why = problem((1, unstable), dims, 0.0).unwrap();
            assert!(why.contains("too long") && why.contains(&format!("{dims} dimensions")), "{why}");
        }
    }

    #[test]
    fn flows_without_an_end_are_refused() {
        for (time, step) in [(1.0, 1e-9), (1e300, 0.02), (1.0, f64::MIN_POSITIVE)] {
            let why = problem(whole_steps(time, step), 4, 0.0).unwrap();
            assert!(why.contains("more than 1000000 steps"), "{why}");
        }
        assert_eq!(problem(whole_steps(1000.0, 0.001), 4, 0.0), None);
        // Symanzik's is 5/3 as fast.
        let symanzik = -1.0 / 12.0;
        assert!(problem((1, 0.093), 4, symanzik).is_none() && problem((1, 0.094), 4, symanzik).is_some());
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
