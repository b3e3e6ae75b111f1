//! An output shares no number with an input.

use crate::{Error, Lattice, Result, View, ViewMut, raw};
use std::ops::Range;

/// Bytes that one mark stands for: those of the smallest number that is served, to which all are aligned.
const WORD: usize = 4;

/// Refuses an output that shares a number with an input, be it the very same view. Views that cannot be read are left to
/// whoever reads them.
///
/// Almost always the planes are apart, which a comparison tells. Where they are not, the numbers may still be: those of
/// interleaved fields are looked at one by one.
#[inline]
pub(crate) fn apart<'v>(
    lattice: &Lattice,
    output: &ViewMut,
    inputs: impl IntoIterator<Item = &'v View<'v>>,
) -> Result<()> {
    let output = output.as_view();
    for input in inputs {
        if planes_meet(output, input) && numbers_meet(lattice, output, input) {
            return Err(shared(output, input));
        }
    }
    Ok(())
}

#[cold]
fn shared(output: &View, input: &View) -> Error {
    let (output, input) = (output.name(), input.name());
    Error::invalid(format!(
        "{output} shares numbers with {input}: an output never overlaps an input; give it memory of its own"
    ))
}

/// Whether bytes that may be addressed from the planes of both are the same.
#[inline]
fn planes_meet(a: &View, b: &View) -> bool {
    if a.as_raw().nplanes <= 1 && b.as_raw().nplanes <= 1 {
        return meet(&plane(a, 0), &plane(b, 0));
    }
    any_planes_meet(a, b)
}

fn any_planes_meet(a: &View, b: &View) -> bool {
    let planes = |view: &View| (view.as_raw().nplanes.max(1) as usize).min(raw::GLK_MAX_PLANES);
    (0..planes(a)).any(|i| (0..planes(b)).any(|j| meet(&plane(a, i), &plane(b, j))))
}

#[inline]
fn plane(view: &View, i: usize) -> Range<usize> {
    let raw = view.as_raw();
    let bytes = usize::try_from(raw.plane_bytes).unwrap_or(usize::MAX);
    let start = raw.plane[i].addr();
    start..start.saturating_add(bytes)
}

#[inline]
fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cold]
fn numbers_meet(lattice: &Lattice, output: &View, input: &View) -> bool {
    let (Ok(output), Ok(input)) = (output.access(lattice), input.access(lattice)) else { return false };
    if !output.planes().any(|a| input.planes().any(|b| meet(&a, &b))) {
        return false;
    }
    let mut marked: Vec<(Range<usize>, Vec<u64>)> = output
        .planes()
        .map(|bytes| {
            let words = bytes.len() / WORD;
            (bytes, vec![0; words.div_ceil(64)])
        })
        .collect();
    output.each_number(|bytes| {
        for (plane, marks) in marked.iter_mut().filter(|(plane, _)| plane.contains(&bytes.start)) {
            for word in words(plane, &bytes) {
                marks[word / 64] |= 1 << (word % 64);
            }
        }
    });
    let mut met = false;
    input.each_number(|bytes| {
        met |= marked
            .iter()
            .filter(|(plane, _)| meet(plane, &bytes))
            .any(|(plane, marks)| words(plane, &bytes).any(|word| marks[word / 64] & 1 << (word % 64) != 0));
    });
    met
}

/// Which words of a plane these bytes are in.
fn words(plane: &Range<usize>, bytes: &Range<usize>) -> Range<usize> {
    let (start, end) = (bytes.start.max(plane.start), bytes.end.min(plane.end));
    (start - plane.start) / WORD..(end - plane.start).div_ceil(WORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::glk_view;

    /// Whether links from one number of a memory on are refused as the output of links from another one on.
    fn refused(change: impl Fn(&mut glk_view, &mut glk_view), [from, to]: [usize; 2]) -> bool {
        let (lattice, mut memory) = (Lattice::single(&[4, 4]).unwrap(), vec![0.0; 1000]);
        let whole = *View::gauge(&memory[..64], &lattice, 1).unwrap().as_raw();
        let base = memory.as_mut_ptr();
        let place = |first: usize| glk_view { plane: [base.wrapping_add(first).cast(); 8], ..whole };
        let (mut v, mut u) = (place(from), place(to));
        change(&mut v, &mut u);
        // SAFETY: the memory lives, and nobody reads it.
        let (v, u) = unsafe { (View::from_raw(&raw const v, "V"), ViewMut::from_raw(&raw const u, "U")) };
        let answer = apart(&lattice, &u.unwrap(), [&v.unwrap()]);
        if let Err(error) = &answer {
            assert!(error.code == raw::GLK_INVALID_ARG && error.message.contains("U shares numbers with V"));
        }
        answer.is_err()
    }

    #[test]
    fn the_same_memory_and_parts_of_it_are_refused() {
        let plain = |_: &mut glk_view, _: &mut glk_view| {};
        for (places, wrong) in
            [([0, 0], true), ([0, 63], true), ([63, 0], true), ([0, 64], false), ([64, 0], false)]
        {
            assert_eq!(refused(plain, places), wrong, "{places:?}");
        }
        // A host that gives the rest of its memory as plane_bytes.
        let generous = |v: &mut glk_view, u: &mut glk_view| (v.plane_bytes, u.plane_bytes) = (4096, 4096);
        assert!(!refused(generous, [0, 64]) && refused(generous, [2, 64]));
    }

    #[test]
    fn interleaved_fields_are_told_from_those_that_meet() {
        // [site][field][mu], two fields.
        let interleaved = |v: &mut glk_view, u: &mut glk_view| {
            for view in [v, u] {
                (view.stride_site, view.plane_bytes) = (8 * view.stride_mu, 4096);
            }
        };
        assert!(
            !refused(interleaved, [0, 4]) && refused(interleaved, [0, 2]) && refused(interleaved, [0, 64])
        );
        // A plane for each direction: one of them meets.
        let planes = |shift: usize| {
            move |v: &mut glk_view, u: &mut glk_view| {
                for (view, second) in [(v, 100), (u, 200 + shift)] {
                    (view.nplanes, view.stride_site, view.plane_bytes) = (2, 16, 256);
                    view.plane[1] = view.plane[0].cast::<f64>().wrapping_add(second).cast();
                }
            }
        };
        assert!(!refused(planes(0), [0, 300]) && refused(planes(0), [0, 131]));
        // Floats among doubles: the lower half of the last one.
        let floats = |v: &mut glk_view, _: &mut glk_view| {
            (v.scalar, v.stride_mu, v.stride_site, v.plane_bytes) = (raw::GLK_F32, 8, 16, 256);
        };
        assert!(!refused(floats, [0, 32]) && refused(floats, [0, 31]));
    }
}
