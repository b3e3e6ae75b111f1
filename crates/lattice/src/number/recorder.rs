//! A number that writes down what is done with it.
//!
//! A site body that is run once on [`Recorded`] numbers leaves a [`Program`]: a list of single operations, which other
//! crates print as the text of a device's kernel. The program has the operations of the body, in its order, each rounded as
//! on every other number type, so that a device gives the same bits. What is computed twice is recorded once.
//!
//! A loop that ends early where no lane needs more (see [`Num::any`]) is recorded in full, but for [`Program::least`].

use super::program::{Id, Operation, Place, Program, RecordedField, Statement};
use super::{Num, Real};
use crate::complex::Complex;
use crate::group::Matrix;
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Neg, Sub};

#[derive(Default)]
struct Tape {
    /// Whether loops end as early as they can.
    short: bool,
    fields: Vec<RecordedField>,
    parameters: Vec<&'static str>,
    places: Vec<Place>,
    operations: Vec<Operation>,
    known: HashMap<Operation, Id>,
    statements: Vec<Statement>,
}

thread_local! {
    static TAPE: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

fn on_tape<R>(work: impl FnOnce(&mut Tape) -> R) -> R {
    TAPE.with_borrow_mut(|tape| {
        work(tape.as_mut().expect("recorded numbers exist within `Program::record` only"))
    })
}

fn push(operation: Operation) -> Id {
    on_tape(|tape| {
        if let Some(&id) = tape.known.get(&operation) {
            return id;
        }
        let id = tape.operations.len() as Id;
        tape.operations.push(operation);
        tape.known.insert(operation, id);
        tape.statements.push(Statement::Compute(id));
        id
    })
}

impl Program {
    /// Runs a body on recorded numbers of precision `T`.
    ///
    /// # Panics
    /// Within another recording of the thread.
    pub fn record<T: Real>(body: impl FnOnce(&Recorder<T>)) -> Self {
        Self::run(false, body)
    }

    /// As [`Program::record`], with loops that end as early as they can: the least that a site takes, for counting. As a
    /// kernel it would be wrong.
    ///
    /// # Panics
    /// As there.
    pub fn least<T: Real>(body: impl FnOnce(&Recorder<T>)) -> Self {
        Self::run(true, body)
    }

    fn run<T: Real>(short: bool, body: impl FnOnce(&Recorder<T>)) -> Self {
        TAPE.with_borrow_mut(|tape| {
            assert!(tape.is_none(), "a recording within a recording");
            *tape = Some(Tape { short, places: vec![Place { steps: Vec::new() }], ..Tape::default() });
        });
        /// Ends the recording of a body that panics, too.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                TAPE.set(None);
            }
        }
        let end = End;
        body(&Recorder(PhantomData));
        let tape = TAPE.take().expect("the recording began here");
        drop(end);
        let Tape { fields, parameters, places, operations, statements, .. } = tape;
        let mut program = Self { bits: T::BITS, fields, parameters, places, operations, statements };
        program.drop_unused();
        program
    }
}

/// What a body that is recorded reads and writes.
pub struct Recorder<T>(PhantomData<T>);

/// A field of the recording.
#[derive(Clone, Copy, Debug)]
pub struct FieldHandle(u32);

/// A place of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceHandle(u32);

impl<T: Real> Recorder<T> {
    /// An array of `components` numbers a site.
    pub fn field(&self, name: &'static str, components: usize) -> FieldHandle {
        on_tape(|tape| {
            tape.fields.push(RecordedField { name, components, written: false });
            FieldHandle(tape.fields.len() as u32 - 1)
        })
    }
    /// A number that the launch gives.
    pub fn parameter(&self, name: &'static str) -> Recorded<T> {
        let index = on_tape(|tape| {
            tape.parameters.push(name);
            tape.parameters.len() as u32 - 1
        });
        Recorded::of(Operation::Parameter(index))
    }
    /// Lets everything so far be loaded and computed anew where it is needed again, and what follows be loaded no earlier,
    /// so that a device has to keep fewer numbers at once.
    pub fn forget(&self) {
        on_tape(|tape| {
            tape.known.clear();
            tape.statements.push(Statement::Fence);
        });
    }
    /// The site itself.
    pub fn here(&self) -> PlaceHandle {
        PlaceHandle(0)
    }
    /// A step further.
    pub fn step(&self, from: PlaceHandle, step: usize) -> PlaceHandle {
        on_tape(|tape| {
            let mut place = tape.places[from.0 as usize].clone();
            place.steps.push(step);
            let found = tape.places.iter().position(|other| *other == place);
            PlaceHandle(found.unwrap_or_else(|| {
                tape.places.push(place);
                tape.places.len() - 1
            }) as u32)
        })
    }
    /// A component of a field at a place. What the program stores there is not seen: fields are read as they were.
    pub fn load(&self, field: FieldHandle, component: usize, place: PlaceHandle) -> Recorded<T> {
        Recorded::of(Operation::Load { field: field.0, component: component as u32, place: place.0 })
    }
    /// The matrix that begins at a component, as links are stored: by row, column, real and imaginary part.
    pub fn matrix<const N: usize>(
        &self,
        field: FieldHandle,
        component: usize,
        place: PlaceHandle,
    ) -> Matrix<Recorded<T>, N> {
        Matrix::from_fn(|i, j| self.complex(field, component + 2 * (N * i + j), place))
    }
    /// The complex number whose real part is a component.
    pub fn complex(&self, field: FieldHandle, component: usize, place: PlaceHandle) -> Complex<Recorded<T>> {
        Complex::new(self.load(field, component, place), self.load(field, component + 1, place))
    }
    /// Writes a component of a field at the site.
    pub fn store(&self, field: FieldHandle, component: usize, value: Recorded<T>) {
        on_tape(|tape| {
            tape.fields[field.0 as usize].written = true;
            tape.statements.push(Statement::Store {
                field: field.0,
                component: component as u32,
                value: value.id,
            });
        });
    }
    /// Writes a complex number, real part first.
    pub fn store_complex(&self, field: FieldHandle, component: usize, value: Complex<Recorded<T>>) {
        self.store(field, component, value.re);
        self.store(field, component + 1, value.im);
    }
}

/// A number of a program that is being recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<T> {
    id: Id,
    precision: PhantomData<T>,
}

/// A truth value of a program that is being recorded.
#[derive(Clone, Copy, Debug)]
pub struct RecordedMask(Id);

impl<T> Recorded<T> {
    fn of(operation: Operation) -> Self {
        Self { id: push(operation), precision: PhantomData }
    }
}

macro_rules! operator {
    ($($trait:ident $function:ident),*) => {$(
        impl<T: Real> $trait for Recorded<T> {
            type Output = Self;
            fn $function(self, b: Self) -> Self {
                Self::of(Operation::$trait(self.id, b.id))
            }
        }
    )*};
}
operator!(Add add, Sub sub, Mul mul);

impl<T: Real> Neg for Recorded<T> {
    type Output = Self;
    fn neg(self) -> Self {
        Self::of(Operation::Neg(self.id))
    }
}

impl<T: Real> Num for Recorded<T> {
    type Mask = RecordedMask;
    const HALF_PI: [f64; 3] = T::HALF_PI;
    const LN_2: [f64; 2] = T::LN_2;
    const EXP_MAX: f64 = T::EXP_MAX;
    fn splat(x: f64) -> Self {
        Self::of(Operation::Constant(T::from_f64(x).to_f64().to_bits()))
    }
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self::of(Operation::MulAdd(self.id, b.id, c.id))
    }
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self::of(Operation::NegMulAdd(self.id, b.id, c.id))
    }
    fn div(self, b: Self) -> Self {
        Self::of(Operation::Div(self.id, b.id))
    }
    fn sqrt(self) -> Self {
        Self::of(Operation::Sqrt(self.id))
    }
    fn round(self) -> Self {
        Self::of(Operation::Round(self.id))
    }
    fn lt(self, b: Self) -> RecordedMask {
        RecordedMask(push(Operation::Less(self.id, b.id)))
    }
    fn select(mask: RecordedMask, a: Self, b: Self) -> Self {
        Self::of(Operation::Select(mask.0, a.id, b.id))
    }
    fn any(_: RecordedMask) -> bool {
        on_tape(|tape| !tape.short)
    }
    fn split_exponent(self) -> (Self, Self) {
        (Self::of(Operation::Mantissa(self.id)), Self::of(Operation::Exponent(self.id)))
    }
    fn scale_exponent(self, e: Self) -> Self {
        Self::of(Operation::Scale(self.id, e.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_what_its_stores_need_once_and_in_order() {
        let program = Program::record::<f32>(|r| {
            let (a, b) = (r.field("a", 2), r.field("b", 1));
            let scale = r.parameter("scale");
            let there = r.step(r.here(), 3);
            assert_eq!(r.step(r.here(), 3), there);
            let x = r.load(a, 1, there);
            let _unused = x.sqrt();
            let y = x.mul_add(scale, Recorded::splat(0.1));
            let again = r.load(a, 1, there).mul_add(scale, Recorded::splat(0.1));
            r.store(b, 0, y + again);
            r.forget();
            assert_ne!(r.load(a, 1, there).id, x.id);
        });
        assert_eq!((program.bits, program.parameters.as_slice()), (32, &["scale"][..]));
        assert_eq!(program.places[1].steps, [3]);
        assert_eq!(program.fields.iter().map(|f| f.written).collect::<Vec<_>>(), [false, true]);
        let computed: Vec<Operation> = program
            .statements
            .iter()
            .filter_map(|s| match s {
                Statement::Compute(id) => Some(program.operations[*id as usize]),
                Statement::Store { .. } | Statement::Fence => None,
            })
            .collect();
        assert!(matches!(computed[1], Operation::Load { component: 1, place: 1, .. }));
        assert_eq!(computed[2], Operation::Constant(f64::from(0.1f32).to_bits()), "constants are rounded");
        assert!(matches!(computed[3..], [Operation::MulAdd(..), Operation::Add(a, b)] if a == b));
        let last = &program.statements[program.statements.len() - 2..];
        assert!(matches!(last, [Statement::Store { field: 1, component: 0, .. }, Statement::Fence]));
        assert_eq!(program.flops(), 3);
    }

    #[test]
    fn loops_are_recorded_in_full_or_end_at_once() {
        let body = |r: &Recorder<f64>| {
            let a = r.field("a", 1);
            let (mut x, one) = (r.load(a, 0, r.here()), Recorded::splat(1.0));
            for _ in 0..5 {
                if !Recorded::<f64>::any(x.lt(one)) {
                    break;
                }
                x = x + one;
            }
            r.store(a, 0, x);
        };
        assert_eq!((Program::record(body).flops(), Program::least(body).flops()), (5, 0));
    }

    #[test]
    fn a_body_that_panics_leaves_no_recording_behind() {
        let panics = std::panic::catch_unwind(|| Program::record::<f64>(|_| panic!("planted")));
        assert!(panics.is_err());
        assert!(Program::record::<f64>(|_| ()).statements.is_empty());
    }
}
