//! The records that Grid adds to an ILDG file, and what its reader demands.
//!
//! Grid (`IldgIO.h`, `IldgReader::readConfiguration`) stops the program unless a file has `ildg-format`, an
//! `ildg-data-lfn`, `ildg-binary-data` and `scidac-checksum`; unless the dimensions in `ildg-format` (and in
//! `grid-format`, if there is one) are those of its lattice and both sums of the checksum agree. The number type is that
//! of `floating_point` in `grid-format`, `IEEE32BIG` or `IEEE64BIG`, read after `ildg-format` wherever it stands later.
//! With `grid-format`, or `usqcdInfo` in `scidac-record-xml`, plaquette and link trace must agree to 1e-5 absolutely;
//! with `FieldNormMetaData`, `½ |a − b| / (a + b)` of the norms must be below 1e-5, so a norm of 0 is refused.
//! `readLimeLatticeBinaryObject` further takes every record between data and checksum for XML.
//!
//! Order and messages as Grid writes them: `grid-format`, `FieldNormMetaData`, `scidac-private-file-xml`,
//! `scidac-file-xml` | `scidac-private-record-xml`, `scidac-record-xml`, `ildg-format`, `ildg-data-lfn`, the data,
//! `FieldNormMetaData`, `scidac-checksum`.

use crate::access::ReadAt;
use crate::error::{Error, Result};
use crate::format::{IldgFormat, Precision};
use crate::gauge::decimal;
use crate::ildg::IldgFile;
use crate::record::record_type::{FIELD_NORM, GRID_FORMAT, RECORD_XML};
use crate::xml::{Document, escape};

/// What Grid's records state when a file is written; the caller has measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct GridMeta {
    /// Average plaquette, `Re tr P / N` averaged over sites and planes: 1 for unit links.
    pub plaquette: f64,
    /// `Re tr U / N` averaged over sites and directions.
    pub link_trace: f64,
    /// Sum over sites, directions and components of `|component|²`: `4 N` a site for unitary links.
    pub norm2: f64,
    /// Grid's `ensemble_id` and `ensemble_label`, and the text of `usqcdInfo`.
    pub description: String,
    /// Number of the configuration in its ensemble.
    pub sequence: u32,
    /// Who or what wrote it.
    pub creator: String,
}

impl GridMeta {
    /// Refuses what Grid's reader would not survive.
    pub(crate) fn check(&self, format: &IldgFormat, lfn: Option<&str>) -> Result<()> {
        let refused = |detail: &str| Err(Error::Unwritable { detail: detail.into() });
        if format.nc < 2 {
            return refused("Grid knows SU(N) fields only: write a U(1) field without Grid's records");
        }
        if lfn.is_none_or(str::is_empty) {
            return refused("Grid reads no file without `ildg-data-lfn`: give a logical file name");
        }
        if ![self.plaquette, self.link_trace, self.norm2].into_iter().all(f64::is_finite) || self.norm2 <= 0.0
        {
            return refused(
                "Grid compares plaquette, link trace and norm: they must be finite, and the norm positive",
            );
        }
        Ok(())
    }

    /// `grid-format`: Grid's `FieldMetaData`. The checksums stand in `scidac-checksum`; Grid writes zeros here too.
    pub(crate) fn format(&self, format: &IldgFormat, lfn: &str, date: &str) -> String {
        let Self { plaquette, link_trace, sequence, .. } = self;
        let [description, creator, lfn, date] =
            [&self.description, &self.creator, lfn, date].map(|text: &str| escape(text));
        let elements =
            |texts: &[String]| texts.iter().map(|text| format!("<elem>{text}</elem>")).collect::<String>();
        let dimension = elements(&format.dims.map(|extent| extent.to_string()));
        let boundary = elements(&["PERIODIC"; 4].map(String::from));
        let nc = format.nc;
        let word = match format.precision {
            Precision::F32 => "IEEE32BIG",
            Precision::F64 => "IEEE64BIG",
        };
        format!(
            "<?xml version=\"1.0\"?>\n<FieldMetaData><nd>4</nd><dimension>{dimension}</dimension>\
             <boundary>{boundary}</boundary><data_start>0</data_start><hdr_version>1.0</hdr_version>\
             <storage_format>ILDG</storage_format><link_trace>{link_trace}</link_trace>\
             <plaquette>{plaquette}</plaquette><checksum>0</checksum><scidac_checksuma>0</scidac_checksuma>\
             <scidac_checksumb>0</scidac_checksumb><sequence_number>{sequence}</sequence_number>\
             <data_type>4D_SU{nc}_GAUGE_{nc}x{nc}</data_type><ensemble_id>{description}</ensemble_id>\
             <ensemble_label>{description}</ensemble_label><ildg_lfn>{lfn}</ildg_lfn><creator>{creator}</creator>\
             <creator_hardware></creator_hardware><creation_date>{date}</creation_date>\
             <archive_date>{date}</archive_date><floating_point>{word}</floating_point></FieldMetaData>\n"
        )
    }

    /// `FieldNormMetaData`.
    pub(crate) fn norm(&self) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<FieldNormMetaData><norm2>{}</norm2></FieldNormMetaData>\n",
            self.norm2
        )
    }

    /// `usqcdInfo`, Grid's text in `scidac-file-xml` and `scidac-record-xml`.
    pub(crate) fn usqcd_info(&self) -> String {
        let Self { plaquette, link_trace, .. } = self;
        let info = escape(&self.description);
        format!(
            "<?xml version=\"1.0\"?>\n<usqcdInfo><version>1.0</version><plaq>{plaquette}</plaq>\
             <linktr>{link_trace}</linktr><info>{info}</info></usqcdInfo>\n"
        )
    }
}

/// What Grid's records, or USQCD's `usqcdInfo`, state of a gauge field, for verification.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GridStatement {
    /// Average plaquette in the normalisation of [`GridMeta`].
    pub plaquette: Option<f64>,
    /// Average link trace.
    pub link_trace: Option<f64>,
    /// Norm of the field.
    pub norm2: Option<f64>,
}

/// Average plaquette and link trace in a record of `usqcdInfo`, each with its rounding.
pub(crate) fn usqcd_averages(record: &str) -> [Option<(f64, f64)>; 2] {
    let text = Document::read(record.as_bytes());
    ["plaq", "linktr"].map(|name| text.text(name).filter(|_| text.has("usqcdInfo")).and_then(decimal))
}

impl<R: ReadAt> IldgFile<R> {
    /// Plaquette, link trace and norm that the file states of this field in the records of Grid, else of USQCD; values that are no
    /// finite numbers do not count.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::RecordTooLong`].
    pub fn grid_statement(&self) -> Result<GridStatement> {
        let document =
            |kind| Ok::<_, Error>(self.own_text(kind)?.map(|text| Document::read(text.as_bytes())));
        let [grid, norm, user] = [document(GRID_FORMAT)?, document(FIELD_NORM)?, document(RECORD_XML)?];
        let number = |document: &Option<Document>, element| {
            document.as_ref()?.text(element)?.parse().ok().filter(|value: &f64| value.is_finite())
        };
        let user = user.filter(|document| document.has("usqcdInfo"));
        Ok(GridStatement {
            plaquette: number(&grid, "plaquette").or_else(|| number(&user, "plaq")),
            link_trace: number(&grid, "link_trace").or_else(|| number(&user, "linktr")),
            norm2: number(&norm, "norm2"),
        })
    }
}
