//! Fewer points for the same picture.

/// Thins a polyline of pixel positions, in order of x, to at most four points a pixel column: the first,
/// the lowest, the highest and the last, in their order. What a renderer would draw does not change.
pub(super) fn decimate(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    points.chunk_by(|a, b| a[0].floor() == b[0].floor()).flat_map(column).collect()
}

fn column(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let by_height = |&a: &usize, &b: &usize| points[a][1].total_cmp(&points[b][1]);
    let lowest = (0..points.len()).min_by(by_height).unwrap_or(0);
    let highest = (0..points.len()).max_by(by_height).unwrap_or(0);
    let mut kept = [0, lowest, highest, points.len() - 1];
    kept.sort_unstable();
    let mut kept = kept.to_vec();
    kept.dedup();
    kept.into_iter().map(|i| points[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_its_ends_and_extremes() {
        let points: Vec<[f64; 2]> = [5.0, 3.0, 9.0, 4.0, 1.0, 2.0]
            .iter()
            .enumerate()
            .map(|(i, &y)| [7.0 + i as f64 / 10.0, y])
            .collect();
        assert_eq!(decimate(&points), [[7.0, 5.0], [7.2, 9.0], [7.4, 1.0], [7.5, 2.0]]);
    }

    #[test]
    fn sparse_points_stay() {
        let points = [[0.5, 1.0], [1.5, 2.0], [3.0, 0.0]];
        assert_eq!(decimate(&points), points);
        assert!(decimate(&[]).is_empty());
    }

    #[test]
    fn a_million_points_fit_the_columns() {
        let points: Vec<[f64; 2]> =
            (0..1_000_000).map(|i| [f64::from(i) * 6e-4, f64::from(i % 97)]).collect();
        let kept = decimate(&points);
        assert!(kept.len() <= 4 * 600);
        assert!(kept.iter().any(|p| p[1] == 96.0) && kept.iter().any(|p| p[1] == 0.0));
    }
}
