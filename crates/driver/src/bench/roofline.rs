//! The numbers of cases as a plot.

use super::{Line, Precision};
use crate::error::DriverError;
use crate::plot::{Kernel, RooflinePlot};

/// The cases among `lines` that tell operations and bytes, as SVG.
///
/// # Errors
/// [`DriverError::Request`] where there are none.
pub fn roofline(lines: &[Line]) -> Result<String, DriverError> {
    let kernels: Vec<Kernel> = lines.iter().filter_map(|line| kernel(line, lines)).collect();
    let Some(triad) = lines.iter().find(|line| line.metric == "triad_gbytes").filter(|_| !kernels.is_empty())
    else {
        return Err(DriverError::Request(
            "--plot: none of these cases tells both operations and bytes; time dslash, say".into(),
        ));
    };
    let peak = |precision: Precision| {
        let of =
            lines.iter().filter(|l| l.limit_name == Some("fma_peak") && l.case.ends_with(precision.name()));
        of.filter_map(|line| line.limit).reduce(f64::max)
    };
    let title = match triad.threads {
        1 => "Kernels on one thread".into(),
        n => format!("Kernels on {n} threads"),
    };
    let peaks = [peak(Precision::F64), peak(Precision::F32)];
    Ok(RooflinePlot { title: &title, kernels: &kernels, triad: triad.value, peaks }.svg())
}

/// The kernel whose speed a line tells, if its bytes are told as well.
fn kernel(line: &Line, lines: &[Line]) -> Option<Kernel> {
    if line.metric != "gflops" {
        return None;
    }
    let bytes = lines.iter().find(|other| other.case == line.case && other.metric == "gbytes")?;
    let (case, precision) = line.case.rsplit_once(' ')?;
    let (name, _volume) = case.rsplit_once(' ')?;
    Some(Kernel {
        name: name.into(),
        intensity: line.value / bytes.value,
        gflops: line.value,
        single: precision == Precision::F32.name(),
    })
}
