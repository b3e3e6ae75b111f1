//! Propagators as files of USQCD's format (File Formats for Lattice QCD data, version 1.0): SciDAC records of the scalar source
//! and of 4N Dirac fermions, each with its source spin and colour, gammas of DeGrand and Rossi.

use super::propagator::Propagator;
use super::spinor::{SPINS, SpinorField};
use gaugelink_lattice::file::{FieldFile, read_fields};
use gaugelink_lattice::{DIM_MAX, Field, Lattice, LatticeError, Real, Site};
use lime_rs::{ComponentOrder, Content, Precision, RecordKind, ScidacFile, ScidacMeta};
use std::path::Path;
use std::sync::Arc;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl<T: Real, const N: usize> Propagator<T, N> {
    /// Writes the propagator (of a batch, that of chain `chain`) with the scalar source, 1 at its site, as
    /// `USQCD_DiracFermion_ScalarSource_TwelveSink`. The file appears only when complete; `info` is free text on the action.
    /// Collective.
    ///
    /// # Errors
    /// [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
    pub fn write(
        &self,
        path: &Path,
        chain: usize,
        precision: Precision,
        info: &str,
    ) -> Result<(), LatticeError> {
        let (lattice, info) = (self.column(0, 0).lattice(), escaped(info));
        let file_xml = format!(
            "{XML}<usqcdPropFile><version>1.0</version><type>USQCD_DiracFermion_ScalarSource_TwelveSink</type>\
             <info>{info}</info></usqcdPropFile>"
        );
        let mut file = FieldFile::create(path, lattice, &file_xml)?;
        let letter = if precision == Precision::F64 { "D" } else { "F" };
        let meta = |datatype: String, numbers: usize, user_xml: String| {
            let bytes = (numbers * precision.bytes()) as u64;
            ScidacMeta { user_xml, ..ScidacMeta::new(RecordKind::Field, &datatype, letter, bytes, 1) }
        };
        let source = meta(
            format!("USQCD_{letter}_Complex"),
            2,
            format!("{XML}<usqcdSourceInfo><version>1.0</version><info>point</info></usqcdSourceInfo>"),
        );
        file.write(&source, &self.scalar_source()?, 0, &[0, 1], precision)?;
        let order: Vec<usize> = (0..SpinorField::<T, N>::REALS).collect();
        for (spin, colour) in (0..SPINS).flat_map(|s| (0..N).map(move |c| (s, c))) {
            let user_xml = format!(
                "{XML}<usqcdPropInfo><version>1.0</version><spin>{spin}</spin><color>{colour}</color>\
                 <info>{info}</info></usqcdPropInfo>"
            );
            let mut sink = meta(format!("USQCD_{letter}{N}_DiracFermion"), order.len(), user_xml);
            (sink.info.colors, sink.info.spins) = (N, SPINS);
            file.write(&sink, self.column(spin, colour), chain, &order, precision)?;
        }
        file.finish()
    }

    /// 1 at the source.
    fn scalar_source(&self) -> Result<Field<T>, LatticeError> {
        let mut field = Field::zeroed(self.column(0, 0).lattice(), 2)?;
        let geometry = field.layout().geometry().clone();
        let (origin, local) = (geometry.origin(), geometry.local_extents());
        if (0..DIM_MAX).all(|mu| (origin[mu]..origin[mu] + local[mu]).contains(&self.source()[mu])) {
            let (block, lane) =
                field.layout().locate(&std::array::from_fn(|mu| self.source()[mu] - origin[mu]));
            let lanes: Vec<usize> = field.layout().copies(lane).collect();
            lanes.into_iter().for_each(|lane| field.set(block, 0, lane, T::from_f64(1.0)));
        }
        Ok(field)
    }

    /// Reads a propagator of a point source from a SciDAC file of any code: 4N Dirac fermions with their source spins and
    /// colours, or one record of matrices; the source's site is where the record of a scalar source has its 1, or `source` where
    /// there is none. In a batch, every chain gets it. The numbers are taken as they are: USQCD's gammas are those used here,
    /// others are not. Checksums are verified. Collective.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for a file without such records, or of another lattice or number of colours;
    /// [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
    pub fn read(
        file: &ScidacFile,
        lattice: &Arc<Lattice>,
        source: Option<Site>,
    ) -> Result<Self, LatticeError> {
        let missing = |what: String| Err(LatticeError::Mismatch(format!("the file has {what}")));
        let Some(source) = scalar_source_of(file, lattice)?.or(source) else {
            return missing("no record of a scalar source: say where the source is".into());
        };
        let mut columns =
            (0..SPINS * N).map(|_| SpinorField::zeroed(lattice)).collect::<Result<Vec<_>, _>>()?;
        for chain in 0..lattice.chains() {
            if let Some((index, components)) = matrices::<N>(file) {
                let mut fields: Vec<&mut Field<T>> = columns.iter_mut().map(|column| &mut **column).collect();
                read_fields(file, index, &mut fields, chain, &components)?.check()?;
                continue;
            }
            for (spin, colour) in (0..SPINS).flat_map(|s| (0..N).map(move |c| (s, c))) {
                let Some((index, order)) = column::<N>(file, spin, colour) else {
                    return missing(format!(
                        "no Dirac fermion of {N} colours from source spin {spin}, colour {colour}: choose a propagator of all \
                         {} columns, or a lattice of its number of colours",
                        SPINS * N
                    ));
                };
                let components: Vec<_> =
                    components_of(order, N).into_iter().map(|component| (0, component)).collect();
                let field: &mut Field<T> = &mut columns[spin * N + colour];
                read_fields(file, index, &mut [field], chain, &components)?.check()?;
            }
        }
        Ok(Self::of_columns(source, columns))
    }
}

/// Component of a spinor field that each stored number is.
fn components_of(order: ComponentOrder, n: usize) -> Vec<usize> {
    let place = |k: usize| match order {
        ComponentOrder::SpinColour => k,
        ComponentOrder::ColourSpin => k % SPINS * n + k / SPINS,
    };
    (0..SPINS * n).flat_map(|k| [2 * place(k), 2 * place(k) + 1]).collect()
}

/// The record of a column.
fn column<const N: usize>(file: &ScidacFile, spin: usize, colour: usize) -> Option<(usize, ComponentOrder)> {
    file.payloads().iter().enumerate().find_map(|(index, payload)| match payload.content {
        Content::Spinor { ns: SPINS, nc, count: 1, order } if nc == N => {
            (payload.source() == Some((spin, colour))).then_some((index, order))
        }
        _ => None,
    })
}

/// The record of a propagator in one, and which column and component each stored number is.
fn matrices<const N: usize>(file: &ScidacFile) -> Option<(usize, Vec<(usize, usize)>)> {
    file.payloads().iter().enumerate().find_map(|(index, payload)| match payload.content {
        Content::Propagator { ns: SPINS, nc, count: 1, order } if nc == N => {
            let numbers = (0..SPINS * N * SPINS * N).flat_map(|k| {
                let (sink_spin, sink_colour, spin, colour) = match order {
                    ComponentOrder::SpinColour => {
                        (k / (SPINS * N * N), k / N % N, k / (N * N) % SPINS, k % N)
                    }
                    ComponentOrder::ColourSpin => {
                        (k / (SPINS * N) % SPINS, k / (SPINS * SPINS * N), k % SPINS, k / SPINS % N)
                    }
                };
                let (column, component) = (spin * N + colour, 2 * (sink_spin * N + sink_colour));
                [(column, component), (column, component + 1)]
            });
            Some((index, numbers.collect()))
        }
        _ => None,
    })
}

/// Where the file's scalar source is 1 and nothing elsewhere; `None` where it has no such record.
fn scalar_source_of(file: &ScidacFile, lattice: &Arc<Lattice>) -> Result<Option<Site>, LatticeError> {
    let scalar = |content: &Content| *content == Content::Complex { count: 1 };
    let Some(index) = file.payloads().iter().position(|payload| scalar(&payload.content)) else {
        return Ok(None);
    };
    let mut field = Field::<f64>::zeroed(lattice, 2)?;
    read_fields(file, index, &mut [&mut field], 0, &[(0, 0), (0, 1)])?.check()?;
    let layout = field.layout();
    // The sum of the numbers of all sites that are not zero, and how many there are.
    let mut found = [0i64; 2];
    for block in 0..layout.blocks() {
        for lane in (0..layout.distinct_lanes()).filter(|&lane| layout.chain_of(lane) == 0) {
            if [0, 1].iter().any(|&c| field.get(block, c, lane) != 0.0) {
                found[0] += lattice.geometry().site_index(&layout.site(block, lane)) as i64;
                found[1] += 1;
            }
        }
    }
    lattice.comm().sum(&mut found);
    Ok((found[1] == 1).then(|| lattice.geometry().site(found[0] as usize)))
}
