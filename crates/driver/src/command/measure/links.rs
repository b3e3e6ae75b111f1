//! What is measured on the links as they are.

use crate::error::DriverError;
use crate::links::{
    Loaded, Measured, Refusals, checksum_word, described, precision_name, printable, remarks, shown,
};
use gaugelink_lattice::{Complex, GaugeField, Matrix};
use gaugelink_physics::observable::{
    clover_energy, geometric_charge, plaquette_energy, polyakov_loop, rectangle, spatial_plaquette,
    temporal_plaquette, topological_charge,
};
use lime_rs::GaugeFile;
use serde::Serialize;
use std::path::Path;

/// The observables of one configuration; null where the lattice has no such thing. Directions are named as in the
/// file, and time is the last of them.
#[derive(Serialize, Default)]
pub(super) struct LinksLine {
    file: String,
    observable: &'static str,
    dims: [usize; 4],
    nc: usize,
    precision: &'static str,
    /// "ok", "none", or "ignored" where it is wrong.
    checksum: &'static str,
    unitarity: f64,
    plaquette: f64,
    spatial_plaquette: Option<f64>,
    temporal_plaquette: f64,
    rectangle: f64,
    link_trace: f64,
    energy_plaquette: f64,
    energy_clover: f64,
    charge: Option<f64>,
    /// "clover" or "geometric".
    charge_definition: Option<&'static str>,
    polyakov_x_re: f64,
    polyakov_x_im: f64,
    polyakov_y_re: f64,
    polyakov_y_im: f64,
    polyakov_z_re: Option<f64>,
    polyakov_z_im: Option<f64>,
    polyakov_t_re: Option<f64>,
    polyakov_t_im: Option<f64>,
    warnings: Vec<String>,
}

impl LinksLine {
    /// Measures a field that was loaded from a file.
    ///
    /// # Errors
    /// [`DriverError::Input`] for averages that the file states otherwise, where `refusals` say so; those of observables.
    pub fn of<const N: usize>(
        path: &Path,
        file: &GaugeFile,
        u: &GaugeField<f64, N>,
        loaded: &Loaded,
        refusals: Refusals,
    ) -> Result<Self, DriverError> {
        let format = file.body();
        let measured = Measured::of(u, 0);
        let Measured { plaquette, link_trace, .. } = measured;
        let warnings = remarks(file, path, loaded, measured, u.lattice().comm(), refusals)?;
        let mut loops = [None; 4];
        for (mu, value) in loops.iter_mut().enumerate().take(u.lattice().dims()) {
            *value = Some(polyakov_loop(u, mu)?[0]);
        }
        let [x, y, z, t] = loops.map(|l: Option<Complex<f64>>| (l.map(|l| l.re), l.map(|l| l.im)));
        let (charge, charge_definition) = charge(u)?.unzip();
        Ok(Self {
            file: shown(path),
            observable: "links",
            dims: format.dims,
            nc: format.nc,
            precision: precision_name(format.precision),
            checksum: match checksum_word(&loaded.checksum) {
                "bad" => "ignored",
                word => word,
            },
            unitarity: loaded.survey.unitarity(),
            plaquette,
            spatial_plaquette: spatial_plaquette(u).map(|p| p[0]),
            temporal_plaquette: temporal_plaquette(u)[0],
            rectangle: rectangle(u)[0],
            link_trace,
            energy_plaquette: plaquette_energy(u)[0],
            energy_clover: clover_energy(u)[0],
            charge,
            charge_definition,
            polyakov_x_re: x.0.unwrap_or_default(),
            polyakov_x_im: x.1.unwrap_or_default(),
            polyakov_y_re: y.0.unwrap_or_default(),
            polyakov_y_im: y.1.unwrap_or_default(),
            polyakov_z_re: z.0,
            polyakov_z_im: z.1,
            polyakov_t_re: t.0,
            polyakov_t_im: t.1,
            warnings,
        })
    }

    /// The same as a table.
    pub fn text(&self, file: &GaugeFile) -> String {
        let mut lines = vec![format!("{}: {}", printable(&self.file), described(file))];
        let mut row = |name: &str, value: String| lines.push(format!("  {name:<26} {value}"));
        let number = |x: f64| format!("{x:>17.12}");
        let complex = |re: f64, im: f64| format!("{re:>17.12} {im:>+17.12} i");
        row("plaquette", number(self.plaquette));
        if let Some(spatial) = self.spatial_plaquette {
            row("spatial plaquette", number(spatial));
            row("temporal plaquette", number(self.temporal_plaquette));
        }
        row("rectangle", number(self.rectangle));
        row("link trace", number(self.link_trace));
        row("Polyakov loop x", complex(self.polyakov_x_re, self.polyakov_x_im));
        row("Polyakov loop y", complex(self.polyakov_y_re, self.polyakov_y_im));
        if let (Some(re), Some(im)) = (self.polyakov_z_re, self.polyakov_z_im) {
            row("Polyakov loop z", complex(re, im));
        }
        if let (Some(re), Some(im)) = (self.polyakov_t_re, self.polyakov_t_im) {
            row("Polyakov loop t", complex(re, im));
        }
        row("energy density, plaquette", number(self.energy_plaquette));
        row("energy density, clover", number(self.energy_clover));
        if let (Some(charge), Some(definition)) = (self.charge, self.charge_definition) {
            row(&format!("charge, {definition}"), number(charge));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("  warning: {}", printable(warning))));
        lines.join("\n")
    }
}

/// The topological charge, where there is a definition for the group and the dimensions.
fn charge<const N: usize>(u: &GaugeField<f64, N>) -> Result<Option<(f64, &'static str)>, DriverError> {
    Ok(match (u.lattice().dims(), N) {
        (4, _) => Some((topological_charge(u)?[0], "clover")),
        (2, 1) => Some((geometric_charge(&abelian(u)?)?[0] as f64, "geometric")),
        _ => None,
    })
}

/// The links' upper left entries: for U(1) all of them, under the name that functions on U(1) fields ask for.
fn abelian<const N: usize>(u: &GaugeField<f64, N>) -> Result<GaugeField<f64, 1>, DriverError> {
    let mut copy = GaugeField::cold(u.lattice())?;
    for block in 0..u.layout().blocks() {
        for mu in 0..u.lattice().dims() {
            for lane in 0..u.layout().lanes() {
                copy.set_link(block, mu, lane, &Matrix([[u.link(block, mu, lane).0[0][0]]]));
            }
        }
    }
    copy.exchange();
    Ok(copy)
}
