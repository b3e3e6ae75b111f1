//! `gaugelink ildg diff`: two files, link by link, whatever their formats.

use crate::cli::DiffArgs;
use crate::error::DriverError;
use crate::links::{self, Differences, Lattices, Refusals, described, load, printable, shown, with_group};
use crate::report::Report;
use gaugelink_lattice::GaugeField;
use gaugelink_physics::observable::plaquette;
use lime_rs::GaugeFile;
use serde::Serialize;

/// Names of the directions.
const DIRECTIONS: [&str; 4] = ["x", "y", "z", "t"];

/// Compares the links of two files.
///
/// # Errors
/// [`DriverError::Different`] beyond the tolerance; [`DriverError::Request`] where they cannot be compared.
pub(crate) fn diff(args: &DiffArgs, report: &mut Report) -> Result<(), DriverError> {
    let line = compare(args).map_err(|error| DriverError::Request(error.to_string()))?;
    report.record(&line)?;
    report.text(&line.text())?;
    if line.equal { Ok(()) } else { Err(DriverError::Different) }
}

fn compare(args: &DiffArgs) -> Result<Line, DriverError> {
    let [a, b] = args.payload;
    let open = |path, file: usize, payload| {
        links::open_on(path, args.format.map(|formats| formats[file]), &args.lattice, payload)
    };
    let files = [open(&args.a, 0, a)?, open(&args.b, 1, b)?];
    let shape = |file: &GaugeFile| (file.body().dims, file.body().nc);
    if shape(&files[0]) != shape(&files[1]) {
        return Err(DriverError::Input(format!(
            "{} holds {} and {} holds {}: only links of the same lattice and group can be compared",
            shown(&args.a),
            described(&files[0]),
            shown(&args.b),
            described(&files[1])
        )));
    }
    with_group!(files[0].body().nc, N => of_group::<N>(args, &files))
}

fn of_group<const N: usize>(args: &DiffArgs, files: &[GaugeFile; 2]) -> Result<Line, DriverError> {
    let lattice = Lattices::new(0).of(&files[0])?;
    let refusals = Refusals::of_copies(args.ignore_checksum);
    let read = |file: &GaugeFile, path| {
        let mut u = GaugeField::<f64, N>::cold(&lattice)?;
        load(file, path, &mut u, 0, refusals)?;
        Ok::<_, DriverError>(u)
    };
    let (a, b) = (read(&files[0], &args.a)?, read(&files[1], &args.b)?);
    let (geometry, dims) = (lattice.geometry(), lattice.dims());
    let mut found = Differences::default();
    for index in 0..lattice.volume() {
        let site = geometry.site(index);
        let (block, lane) = a.layout().locate(&site);
        for mu in 0..dims {
            found.add(site, mu, (a.link(block, mu, lane) - b.link(block, mu, lane)).norm2());
        }
    }
    let largest = found.largest();
    Ok(Line {
        a: shown(&args.a),
        b: shown(&args.b),
        dims: files[0].body().dims,
        nc: N,
        tolerance: args.tolerance,
        equal: largest <= args.tolerance,
        differing: found.differing,
        largest,
        rms: found.rms(lattice.volume() * dims),
        site: found.place().map(|(site, _)| site[..dims].to_vec()),
        direction: found.place().map(|(_, mu)| DIRECTIONS[mu]),
        plaquette_a: plaquette(&a)[0],
        plaquette_b: plaquette(&b)[0],
    })
}

/// How two files differ.
#[derive(Serialize)]
struct Line {
    a: String,
    b: String,
    dims: [usize; 4],
    nc: usize,
    tolerance: f64,
    equal: bool,
    /// Links that differ at all.
    differing: u64,
    largest: f64,
    rms: f64,
    /// Where the largest difference is; the first in the order of sites.
    site: Option<Vec<usize>>,
    direction: Option<&'static str>,
    plaquette_a: f64,
    plaquette_b: f64,
}

impl Line {
    fn text(&self) -> String {
        let verdict = match (self.differing, self.equal) {
            (0, _) => "equal".to_owned(),
            (_, true) => format!("equal within {:e}", self.tolerance),
            (_, false) => "different".to_owned(),
        };
        let mut lines = vec![format!("{} and {}: {verdict}", printable(&self.a), printable(&self.b))];
        if let (Some(site), Some(direction)) = (&self.site, self.direction) {
            let site = site.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
            lines.push(format!(
                "  {} links differ: largest difference {:.3e} at site ({site}), direction {direction}; rms {:.3e}",
                self.differing, self.largest, self.rms
            ));
        }
        lines.push(format!("  plaquettes {:.12} and {:.12}", self.plaquette_a, self.plaquette_b));
        lines.join("\n")
    }
}
