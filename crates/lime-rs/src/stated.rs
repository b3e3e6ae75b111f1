//! From what `ildg-format` states, what the caller says and how long the payload is, to what the payload holds.

use crate::error::{Error, Result};
use crate::format::{IldgFormat, Precision, field_name};
use crate::record::record_type::ILDG_FORMAT;
use crate::shape::{Shape, fill, propose_shapes};
use crate::warning::{Warning, abridged};
use crate::xml::Document;

/// Names of the elements with the extents, in the order x, y, z, t.
const EXTENTS: [&str; 4] = ["lx", "ly", "lz", "lt"];

/// The format of a payload of `bytes` bytes. The length decides on group and precision, because it cannot be
/// wrong; statements that differ from it become warnings, or an error where nothing agrees.
///
/// # Errors
/// [`Error::MissingFormat`], [`Error::UnusableFormat`] or [`Error::LengthMismatch`].
pub(crate) fn resolve(
    stated: Option<&[u8]>,
    given: Option<Shape>,
    bytes: u64,
    warnings: &mut Vec<Warning>,
) -> Result<IldgFormat> {
    let Some(document) = stated.map(Document::read) else {
        let shape = given.ok_or_else(|| Error::MissingFormat { bytes, proposals: proposals(bytes) })?;
        warnings.push(Warning::MissingFormat);
        let precision = filling(shape.dims, Some(shape.nc), bytes, || shape.to_string())?.1;
        let field = field_name(shape.nc);
        return Ok(IldgFormat { version: String::new(), field, precision, dims: shape.dims, nc: shape.nc });
    };
    if let Some(detail) = &document.malformed {
        warnings.push(Warning::MalformedXml { record: ILDG_FORMAT, detail: detail.clone() });
    }
    if document.displaced_declaration {
        warnings.push(Warning::DisplacedXmlDeclaration { record: ILDG_FORMAT });
    }
    for element in ["version", "field", "precision"] {
        if document.text(element).is_none() {
            warnings.push(Warning::MissingField { element });
        }
    }

    let field = document.text("field");
    let precision = document.text("precision");
    let (dims, stated_dims) = match (given, extents(&document)) {
        (Some(shape), stated) => (shape.dims, stated.ok()),
        (None, stated) => stated.map(|dims| (dims, Some(dims)))?,
    };
    let describe = || {
        let [lx, ly, lz, lt] = dims;
        let field = given.map(|shape| field_name(shape.nc)).or(field.map(abridged));
        let bits = precision.map_or_else(String::new, |bits| format!(", {} bit", abridged(bits)));
        format!("{lx}x{ly}x{lz}x{lt} sites ({}{bits})", field.as_deref().unwrap_or("no field stated"))
    };
    let (nc, actual) = filling(dims, given.map(|shape| shape.nc), bytes, describe)?;

    let stated_nc = field.map(colours);
    let field_differs = matches!(stated_nc, Some(Some(stated)) if stated != nc);
    let precision_differs = precision.is_some_and(|bits| bits != actual.bits().to_string());
    if let Some(shape) = given
        && (field_differs || stated_dims.is_some_and(|stated| stated != shape.dims))
    {
        let lattice =
            stated_dims.map_or_else(String::new, |[lx, ly, lz, lt]| format!("{lx}x{ly}x{lz}x{lt}, "));
        let stated = format!("{lattice}field `{}`", field.map(abridged).unwrap_or_default());
        warnings.push(Warning::StatedShapeDiffers { stated, used: shape.to_string() });
    } else if field_differs && precision_differs {
        return Err(Error::LengthMismatch { bytes, expected: describe() });
    } else if field_differs {
        warnings.push(Warning::StatedFieldDiffers { stated: field.map(abridged).unwrap_or_default(), nc });
    }
    if stated_nc == Some(None) {
        warnings.push(Warning::UnknownField { stated: field.map(abridged).unwrap_or_default(), nc });
    }
    if precision_differs {
        let stated = precision.map(abridged).unwrap_or_default();
        warnings.push(Warning::StatedPrecisionDiffers { stated, actual });
    }
    let version = document.text("version").map(abridged).unwrap_or_default();
    Ok(IldgFormat { version, field: field_name(nc), precision: actual, dims, nc })
}

fn filling(
    dims: [usize; 4],
    nc: Option<usize>,
    bytes: u64,
    describe: impl Fn() -> String,
) -> Result<(usize, Precision)> {
    fill(dims, bytes)
        .filter(|&(found, _)| nc.is_none_or(|nc| nc == found))
        .ok_or_else(|| Error::LengthMismatch { bytes, expected: describe() })
}

fn extents(document: &Document) -> Result<[usize; 4]> {
    let mut dims = [0; 4];
    for (extent, element) in dims.iter_mut().zip(EXTENTS) {
        let text = document.text(element);
        *extent = text
            .and_then(|text| text.parse::<u32>().ok())
            .filter(|&value| value > 0)
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| Error::UnusableFormat {
                element,
                found: text.map_or_else(|| "it is missing".into(), |text| format!("`{}`", abridged(text))),
            })?;
    }
    Ok(dims)
}

/// Number of colours in a field's name: `su3gauge`, `u1gauge`.
fn colours(field: &str) -> Option<usize> {
    let name = field.to_ascii_lowercase();
    match name.strip_suffix("gauge")? {
        "u1" => Some(1),
        group => group.strip_prefix("su")?.parse().ok(),
    }
}

fn proposals(bytes: u64) -> String {
    let shapes: Vec<String> = propose_shapes(bytes)
        .iter()
        .take(4)
        .map(|(shape, precision)| format!("{shape} ({precision})"))
        .collect();
    match shapes.is_empty() {
        true => "no L^3xT lattice fits".into(),
        false => format!("among the shapes that fit are {}", shapes.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SU3_4444_F64: u64 = 256 * 576;

    fn xml(field: &str, precision: &str, lt: &str) -> Vec<u8> {
        format!(
            "<f><version>1.0</version><field>{field}</field><precision>{precision}</precision>\
             <lx>4</lx><ly>4</ly><lz>4</lz><lt>{lt}</lt></f>"
        )
        .into_bytes()
    }

    fn resolved(xml: &[u8], given: Option<Shape>, bytes: u64) -> (Result<IldgFormat>, Vec<Warning>) {
        let mut warnings = Vec::new();
        let format = resolve(Some(xml), given, bytes, &mut warnings);
        (format, warnings)
    }

    #[test]
    fn agreement_needs_no_words() {
        let (format, warnings) = resolved(&xml("su3gauge", "64", "4"), None, SU3_4444_F64);
        assert_eq!(format.unwrap(), IldgFormat::new([4; 4], 3, Precision::F64).unwrap());
        assert_eq!(warnings, []);
    }

    #[test]
    fn one_wrong_statement_is_a_warning_and_two_are_an_error() {
        let (format, warnings) = resolved(&xml("su3gauge", "32", "4"), None, SU3_4444_F64);
        assert_eq!(format.unwrap().precision, Precision::F64);
        assert_eq!(
            warnings,
            [Warning::StatedPrecisionDiffers { stated: "32".into(), actual: Precision::F64 }]
        );

        let (format, warnings) = resolved(&xml("su2gauge", "64", "4"), None, SU3_4444_F64);
        assert_eq!(format.unwrap().nc, 3);
        assert_eq!(warnings, [Warning::StatedFieldDiffers { stated: "su2gauge".into(), nc: 3 }]);

        let (format, _) = resolved(&xml("su2gauge", "32", "4"), None, SU3_4444_F64);
        assert!(matches!(format, Err(Error::LengthMismatch { .. })));
    }

    #[test]
    fn missing_and_unknown_statements_are_inferred() {
        let (format, warnings) = resolved(&xml("", "", "4"), None, SU3_4444_F64);
        assert_eq!(format.unwrap(), IldgFormat::new([4; 4], 3, Precision::F64).unwrap());
        assert_eq!(warnings, ["field", "precision"].map(|element| Warning::MissingField { element }));

        let (_, warnings) = resolved(&xml("lattice", "64", "4"), None, SU3_4444_F64);
        assert_eq!(warnings, [Warning::UnknownField { stated: "lattice".into(), nc: 3 }]);
    }

    #[test]
    fn unusable_extents_are_named() {
        for lt in ["", "0", "-4", "four", "4294967296"] {
            let (format, _) = resolved(&xml("su3gauge", "64", lt), None, SU3_4444_F64);
            assert!(matches!(format, Err(Error::UnusableFormat { element: "lt", .. })), "{lt}");
        }
    }

    #[test]
    fn the_caller_overrules_the_file() {
        let given = Shape { dims: [4; 4], nc: 3 };
        let (format, warnings) = resolved(&xml("su3gauge", "64", "8"), Some(given), SU3_4444_F64);
        assert_eq!(format.unwrap().dims, [4; 4]);
        assert!(matches!(&warnings[..], [Warning::StatedShapeDiffers { .. }]));

        let wrong = Shape { dims: [4; 4], nc: 2 };
        let (format, _) = resolved(&xml("su3gauge", "64", "4"), Some(wrong), SU3_4444_F64);
        assert!(matches!(format, Err(Error::LengthMismatch { .. })));
    }

    #[test]
    fn without_any_format_the_error_says_what_to_give() {
        let error = resolve(None, None, SU3_4444_F64, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("lx ly lz lt") && error.contains("4x4x4x4 with nc = 3"), "{error}");
    }
}
