//! Spinor fields in SciDAC files, and propagators as files of USQCD's format (File Formats for Lattice QCD data, version 1.0):
//! records of the scalar source and of 4N Dirac fermions, each with its source spin and colour, gammas of DeGrand and Rossi.

use super::propagator::Propagator;
use super::source::Source;
use super::spinor::{SPINS, SpinorField};
use gaugelink_lattice::file::{FieldFile, read_fields};
use gaugelink_lattice::{DIM_MAX, Field, Lattice, LatticeError, Real, Site};
use lime_rs::{ComponentOrder, Content, Precision, RecordKind, ScidacFile, ScidacMeta, Verification, escape};
use std::path::Path;
use std::sync::Arc;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

impl<T: Real, const N: usize> Propagator<T, N> {
    /// Writes the propagator (of a batch, that of chain `chain`) by [`write_propagator`]. Collective.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for a source that is no point; [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
    pub fn write(
        &self,
        path: &Path,
        chain: usize,
        precision: Precision,
        info: &str,
    ) -> Result<(), LatticeError> {
        let columns: Vec<&SpinorField<T, N>> =
            pairs::<N>().map(|(spin, colour)| self.column(spin, colour)).collect();
        let Source::Point(source) = self.source() else {
            return Err(LatticeError::Mismatch(
                "files of propagators say at which point the source is, and this one fills a time slice: solve for a point".into(),
            ));
        };
        write_propagator(path, &columns, source, chain, precision, info)
    }

    /// Reads a propagator of a point source from a SciDAC file of any code by [`read_columns`]; the source's site is where the
    /// record of a scalar source has its 1, or `source` where there is none. In a batch, every chain gets it. Checksums are
    /// verified. Collective.
    ///
    /// # Errors
    /// [`LatticeError::Mismatch`] for a file without such records, or of another lattice or number of colours;
    /// [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
    pub fn read(
        file: &ScidacFile,
        lattice: &Arc<Lattice>,
        source: Option<Site>,
    ) -> Result<Self, LatticeError> {
        let Some(source) = scalar_source_of(file, lattice)?.or(source) else {
            return missing("no record of a scalar source: say where the source is");
        };
        let mut columns =
            (0..SPINS * N).map(|_| SpinorField::zeroed(lattice)).collect::<Result<Vec<_>, _>>()?;
        for chain in 0..lattice.chains() {
            let mut fields: Vec<&mut SpinorField<T, N>> = columns.iter_mut().collect();
            for verification in read_columns(file, &mut fields, chain)? {
                verification.check()?;
            }
        }
        Ok(Self::of_columns(source.into(), columns))
    }
}

/// Source spins and colours in the order of columns.
fn pairs<const N: usize>() -> impl Iterator<Item = (usize, usize)> {
    (0..SPINS).flat_map(|spin| (0..N).map(move |colour| (spin, colour)))
}

fn missing<R>(what: impl std::fmt::Display) -> Result<R, LatticeError> {
    Err(LatticeError::Mismatch(format!("the file has {what}")))
}

/// A record of one object a site of so many numbers.
fn meta(datatype: &str, numbers: usize, precision: Precision, user_xml: String) -> ScidacMeta {
    let bytes = (numbers * precision.bytes()) as u64;
    ScidacMeta { user_xml, ..ScidacMeta::new(RecordKind::Field, datatype, letter(precision), bytes, 1) }
}

fn letter(precision: Precision) -> &'static str {
    if precision == Precision::F64 { "D" } else { "F" }
}

/// Writes a spinor field, its numbers in their own order, as a Dirac fermion of USQCD's formats.
fn write_fermion<T: Real, const N: usize>(
    file: &mut FieldFile,
    psi: &SpinorField<T, N>,
    chain: usize,
    precision: Precision,
    user_xml: String,
) -> Result<(), LatticeError> {
    let order: Vec<usize> = (0..SpinorField::<T, N>::REALS).collect();
    let datatype = format!("USQCD_{}{N}_DiracFermion", letter(precision));
    let mut meta = meta(&datatype, order.len(), precision, user_xml);
    (meta.info.colors, meta.info.spins) = (N, SPINS);
    file.write(&meta, psi, chain, &order, precision).map(drop)
}

/// Writes 4N columns of a propagator, source spin by source colour, with the scalar source, 1 at its site, as
/// `USQCD_DiracFermion_ScalarSource_TwelveSink`; of a batch those of chain `chain`. The file appears only when complete; `info`
/// is free text on the action. Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] for another number of columns; [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
pub fn write_propagator<T: Real, const N: usize>(
    path: &Path,
    columns: &[&SpinorField<T, N>],
    source: Site,
    chain: usize,
    precision: Precision,
    info: &str,
) -> Result<(), LatticeError> {
    check_columns::<N>(columns.len())?;
    let (lattice, info) = (columns[0].lattice(), escape(info));
    let file_xml = format!(
        "{XML}<usqcdPropFile><version>1.0</version><type>USQCD_DiracFermion_ScalarSource_TwelveSink</type>\
         <info>{info}</info></usqcdPropFile>"
    );
    let mut file = FieldFile::create(path, lattice, &file_xml)?;
    let source_xml =
        format!("{XML}<usqcdSourceInfo><version>1.0</version><info>point</info></usqcdSourceInfo>");
    let scalar = meta(&format!("USQCD_{}_Complex", letter(precision)), 2, precision, source_xml);
    file.write(&scalar, &scalar_source::<T>(lattice, &source)?, 0, &[0, 1], precision)?;
    for ((spin, colour), column) in pairs::<N>().zip(columns) {
        let user_xml = format!(
            "{XML}<usqcdPropInfo><version>1.0</version><spin>{spin}</spin><color>{colour}</color>\
             <info>{info}</info></usqcdPropInfo>"
        );
        write_fermion(&mut file, column, chain, precision, user_xml)?;
    }
    file.finish()
}

fn check_columns<const N: usize>(count: usize) -> Result<(), LatticeError> {
    if count == SPINS * N {
        return Ok(());
    }
    Err(LatticeError::Mismatch(format!(
        "there are {count} columns: a propagator of {N} colours has {}, source spin by source colour",
        SPINS * N
    )))
}

/// 1 at the source.
fn scalar_source<T: Real>(lattice: &Arc<Lattice>, source: &Site) -> Result<Field<T>, LatticeError> {
    let mut field = Field::zeroed(lattice, 2)?;
    let geometry = field.layout().geometry().clone();
    let (origin, local) = (geometry.origin(), geometry.local_extents());
    if (0..DIM_MAX).all(|mu| (origin[mu]..origin[mu] + local[mu]).contains(&source[mu])) {
        let (block, lane) = field.layout().locate(&std::array::from_fn(|mu| source[mu] - origin[mu]));
        let lanes: Vec<usize> = field.layout().copies(lane).collect();
        lanes.into_iter().for_each(|lane| field.set(block, 0, lane, T::from_f64(1.0)));
    }
    Ok(field)
}

/// Writes spinor fields of one lattice (of a batch, chain `chain`) as records `USQCD_D3_DiracFermion` (F for single precision) of
/// a SciDAC file that appears only when complete; `info` is free text. Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] for no field; [`LatticeError::File`]; [`LatticeError::OtherRank`].
pub fn write_spinors<T: Real, const N: usize>(
    path: &Path,
    spinors: &[&SpinorField<T, N>],
    chain: usize,
    precision: Precision,
    info: &str,
) -> Result<(), LatticeError> {
    let Some(first) = spinors.first() else {
        return Err(LatticeError::Mismatch("there is no spinor field to write: give at least one".into()));
    };
    let user_xml = format!("{XML}<spinors><info>{}</info></spinors>", escape(info));
    let mut file = FieldFile::create(path, first.lattice(), &user_xml)?;
    for psi in spinors {
        write_fermion(&mut file, psi, chain, precision, user_xml.clone())?;
    }
    file.finish()
}

/// Reads the 4N columns of a propagator, source spin by source colour, into chain `chain` of fields from a SciDAC file of any
/// code: Dirac fermions with their source spins and colours, or one record of matrices. The numbers are taken as they are:
/// USQCD's gammas are those used here, others are not. A bad checksum is no error before [`Verification::check`], of which there
/// is one for each record. Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] for a file without such records, another lattice, or another number of columns;
/// [`LatticeError::File`]; [`LatticeError::OtherRank`].
pub fn read_columns<T: Real, const N: usize>(
    file: &ScidacFile,
    columns: &mut [&mut SpinorField<T, N>],
    chain: usize,
) -> Result<Vec<Verification>, LatticeError> {
    check_columns::<N>(columns.len())?;
    if let Some((index, components)) = matrices::<N>(file) {
        let mut fields: Vec<&mut Field<T>> = columns.iter_mut().map(|column| &mut ***column).collect();
        return Ok(vec![read_fields(file, index, &mut fields, chain, &components)?]);
    }
    let read = |(column, (spin, colour)): (&mut &mut SpinorField<T, N>, _)| {
        let Some((index, order)) = column_of::<N>(file, spin, colour) else {
            return missing(format_args!(
                "no Dirac fermion of {N} colours from source spin {spin}, colour {colour}: choose a propagator of all {} \
                 columns, or a lattice of its number of colours",
                SPINS * N
            ));
        };
        let components: Vec<_> = components_of(order, N).into_iter().map(|c| (0, c)).collect();
        read_fields(file, index, &mut [&mut ***column], chain, &components)
    };
    columns.iter_mut().zip(pairs::<N>()).map(read).collect()
}

/// Reads one spinor field into chain `chain` of a field: number `which` of the logical record `record`, be it of Dirac fermions,
/// one after the other, or of propagators, whose columns count source spin by source colour. As for [`read_columns`] otherwise.
/// Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] for another kind of record, number of colours or lattice, or where the record has no such field;
/// [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
pub fn read_spinor<T: Real, const N: usize>(
    file: &ScidacFile,
    record: usize,
    which: usize,
    psi: &mut SpinorField<T, N>,
    chain: usize,
) -> Result<Verification, LatticeError> {
    let content = file.payloads().get(record).map(|payload| payload.content);
    // Which of the record's spinor fields, and which component of it, each number is.
    let places: Vec<(usize, usize)> = match content {
        Some(Content::Spinor { ns: SPINS, nc, count, order }) if nc == N => {
            (0..count).flat_map(|i| components_of(order, N).into_iter().map(move |c| (i, c))).collect()
        }
        Some(Content::Propagator { ns: SPINS, nc, count, order }) if nc == N => (0..count)
            .flat_map(|i| columns_of::<N>(order).map(move |(column, c)| (i * SPINS * N + column, c)))
            .collect(),
        Some(other) => {
            return Err(LatticeError::Mismatch(format!(
                "record {record} of the file holds {other:?}, no Dirac fermions of {N} colours: choose another record or number \
                 of colours"
            )));
        }
        None => return missing(format_args!("no record {record}")),
    };
    let held = places.len() / SpinorField::<T, N>::REALS;
    if which >= held {
        return missing(format_args!(
            "no spinor field {which} in its record {record}, which holds {held}, counted from 0"
        ));
    }
    if held == 1 {
        return read_fields(file, record, &mut [&mut **psi], chain, &places);
    }
    // The numbers of the other fields go one over the other.
    let mut others = Field::<T>::zeroed(psi.lattice(), 1)?;
    let order: Vec<(usize, usize)> =
        places.into_iter().map(|(field, c)| if field == which { (0, c) } else { (1, 0) }).collect();
    read_fields(file, record, &mut [&mut **psi, &mut others], chain, &order)
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
fn column_of<const N: usize>(
    file: &ScidacFile,
    spin: usize,
    colour: usize,
) -> Option<(usize, ComponentOrder)> {
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
            Some((index, columns_of::<N>(order).collect()))
        }
        _ => None,
    })
}

/// Which column and component each stored number of a propagator is.
fn columns_of<const N: usize>(order: ComponentOrder) -> impl Iterator<Item = (usize, usize)> {
    (0..SPINS * N * SPINS * N).flat_map(move |k| {
        let (sink_spin, sink_colour, spin, colour) = match order {
            ComponentOrder::SpinColour => (k / (SPINS * N * N), k / N % N, k / (N * N) % SPINS, k % N),
            ComponentOrder::ColourSpin => {
                (k / (SPINS * N) % SPINS, k / (SPINS * SPINS * N), k % SPINS, k / SPINS % N)
            }
        };
        let (column, component) = (spin * N + colour, 2 * (sink_spin * N + sink_colour));
        [(column, component), (column, component + 1)]
    })
}

/// Where the file's scalar source is 1 and nothing elsewhere; `None` where it has no such record. Collective.
///
/// # Errors
/// [`LatticeError::Mismatch`] for another lattice; [`LatticeError::File`]; [`LatticeError::OtherRank`]; no memory.
pub fn scalar_source_of(file: &ScidacFile, lattice: &Arc<Lattice>) -> Result<Option<Site>, LatticeError> {
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
