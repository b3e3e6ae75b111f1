//! No length in a file makes the reader ask for more memory than the file itself could fill.

mod common;

use common::watching::{Watching, largest_request};
use common::whole;
use lime_rs::{IldgFile, Selection, scan};

#[global_allocator]
static ALLOCATOR: Watching = Watching;

#[test]
fn lengths_and_dimensions_in_a_file_do_not_command_memory() {
    let bytes = whole();
    let headers: Vec<usize> =
        scan(&bytes).records.iter().map(|record| record.header_offset as usize).collect();
    let extents: Vec<usize> = bytes
        .windows(3)
        .enumerate()
        .filter(|(_, w)| w == b">2<" || w == b">4<")
        .map(|(i, _)| i + 1)
        .collect();
    assert_eq!((headers.len(), extents.len()), (4, 4));
    let largest = largest_request(|| {
        for header in headers {
            // Each byte of each length, and with it every order of magnitude.
            for byte in header + 8..header + 16 {
                for value in [1, 0x7f, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[byte] = value;
                    let _ = IldgFile::from_source(&damaged, Selection::default())
                        .map(|file| file.verify_checksum(|_, _| ()));
                }
            }
        }
        for extent in extents {
            let mut damaged = bytes.clone();
            damaged.splice(extent..extent + 1, *b"999999999");
            let _ = IldgFile::from_source(&damaged, Selection::default())
                .map(|file| file.verify_checksum(|_, _| ()));
        }
    });
    assert!(largest <= 2 * bytes.len(), "{largest} bytes for a file of {}", bytes.len());
}
