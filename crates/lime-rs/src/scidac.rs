//! The SciDAC metadata records around a gauge field, as QIO writes them: one line, a closing NUL counted in the
//! length.

use crate::checksum::ScidacChecksum;
use crate::format::{IldgFormat, Precision};
use crate::xml::escape;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// `scidac-private-file-xml`: a single file (volume format 0) on this lattice.
pub(crate) fn private_file(format: &IldgFormat) -> String {
    let [lx, ly, lz, lt] = format.dims;
    format!(
        "{DECLARATION}<scidacFile><version>1.1</version><spacetime>4</spacetime>\
         <dims>{lx} {ly} {lz} {lt} </dims><volfmt>0</volfmt></scidacFile>\0"
    )
}

/// `scidac-private-record-xml`: a field (record type 0) of four colour matrices a site.
pub(crate) fn private_record(format: &IldgFormat, date: &str) -> String {
    let letter = match format.precision {
        Precision::F32 => 'F',
        Precision::F64 => 'D',
    };
    let (nc, date) = (format.nc, escape(date));
    let typesize = format.site_bytes() / 4;
    format!(
        "{DECLARATION}<scidacRecord><version>1.1</version><date>{date}</date><recordtype>0</recordtype>\
         <datatype>QDP_{letter}{nc}_ColorMatrix</datatype><precision>{letter}</precision><colors>{nc}</colors>\
         <spins>1</spins><typesize>{typesize}</typesize><datacount>4</datacount></scidacRecord>\0"
    )
}

/// `scidac-checksum`, with all eight digits of each sum.
pub(crate) fn checksum(sum: ScidacChecksum) -> String {
    let ScidacChecksum { suma, sumb } = sum;
    format!(
        "{DECLARATION}<scidacChecksum><version>1.0</version><suma>{suma:08x}</suma><sumb>{sumb:08x}</sumb>\
         </scidacChecksum>\0"
    )
}

/// Now, in the form of QIO's dates.
pub(crate) fn date() -> String {
    jiff::Timestamp::now().strftime("%a %b %e %H:%M:%S %Y UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_as_qio_writes_them() {
        let format = IldgFormat::new([4, 4, 4, 8], 3, Precision::F64).unwrap();
        // From a file written by QIO: lengths count the closing NUL.
        assert_eq!(private_file(&format).len(), 149);
        assert_eq!(private_record(&format, "Thu Apr 14 17:20:32 2022 UTC").len(), 302);
        assert_eq!(format.to_xml().len(), 319);
        assert_eq!(checksum(ScidacChecksum { suma: 0xa2c4_1090, sumb: 0x1119_3c39 }).len(), 136);
        assert!(private_record(&format, "<now>").contains("<date>&lt;now&gt;</date>"));
        assert_eq!(date().len(), "Thu Apr 14 17:20:32 2022 UTC".len());
    }

    #[test]
    fn small_sums_keep_their_zeros() {
        let text = checksum(ScidacChecksum { suma: 0x1f, sumb: 0 });
        assert!(text.contains("<suma>0000001f</suma><sumb>00000000</sumb>"));
    }
}
