//! No length in a file makes the reader ask for more memory than the file itself could fill.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::whole;
use lime_rs::{IldgFile, Selection, scan};

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, noting the largest request of each thread.
struct Watching;

fn note(size: usize) {
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call is passed on unchanged to the system's allocator; a `Cell` without destructor is safe to touch
// within an allocation.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

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
    LARGEST.set(0);
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
        let _ =
            IldgFile::from_source(&damaged, Selection::default()).map(|file| file.verify_checksum(|_, _| ()));
    }
    assert!(LARGEST.get() <= 2 * bytes.len(), "{} bytes for a file of {}", LARGEST.get(), bytes.len());
}
