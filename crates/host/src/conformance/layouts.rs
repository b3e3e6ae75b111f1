//! Every layout that a component declares, and every form that a view may have, against the same call on plain fields.

use super::fields::{distance, numbers};
use super::log::{Log, Verdict};
use super::plane::{self, Plane};
use super::store::{Form, Kind, Layout, PLAIN, Store};
use super::{Subject, generations};
use crate::HostError;
use gaugelink_plugin_sdk::{Lattice, View, ViewMut, raw};

/// An argument of an operation.
pub(super) struct Argument {
    pub(super) kind: Kind,
    /// [`BATCH`] fields in lex order, one after the other; of a single one, such as the links of spinors, there is no batch,
    /// and the second is for checks that change it.
    pub(super) fields: Vec<f64>,
    pub(super) single: bool,
}

/// A function of an object, fields in and a field out; numbers that it returns, one a field of the batch, if it does.
pub(super) struct Operation<'a> {
    pub(super) name: &'static str,
    pub(super) inputs: Vec<Argument>,
    /// `None` for a function that returns numbers alone.
    pub(super) output: Option<Kind>,
    pub(super) returns_numbers: bool,
    /// Random numbers differ from field to field of a batch, so that a batch is more than its fields one by one.
    pub(super) random: bool,
    pub(super) run: Box<Run<'a>>,
}

/// Inputs, outputs (one or none), numbers (as many as fields in the batch).
pub(super) type Run<'a> = dyn Fn(&[View], &mut [ViewMut], &mut [f64]) -> Result<(), HostError> + 'a;

impl Operation<'_> {
    /// The kinds of its fields.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.inputs.iter().map(|argument| argument.kind).chain(self.output)
    }
}

/// One check: what is unusual about its views.
struct Case {
    name: &'static str,
    layout: Layout,
    batch: usize,
    flags: u32,
    /// Whether the component declares it; else a refusal is no failure.
    declared: bool,
}

/// Results: the output in lex order, and the numbers.
struct Answer {
    field: Vec<f64>,
    numbers: Vec<f64>,
}

/// Fields of every batch.
pub(super) const BATCH: usize = 2;

/// Numbers that f32 holds, so that both precisions see the same fields.
pub(super) fn rounded(fields: Vec<f64>) -> Vec<f64> {
    fields.into_iter().map(|x| f64::from(x as f32)).collect()
}

/// Puts operations through all layouts; `spinors` says whether fields of one parity make sense.
pub(super) fn component(
    subject: &Subject,
    lattice: &Lattice,
    operations: &[Operation],
    spinors: bool,
    log: &mut Log,
) {
    for case in cases(subject, spinors) {
        log.check(case.name, || served(operations, &case, lattice));
    }
    generations::component(lattice, operations, log);
}

/// All operations in one case; those that are not offered at all are no matter of layouts.
fn served(operations: &[Operation], case: &Case, lattice: &Lattice) -> Verdict {
    let limit = match case.layout {
        // What single precision may cost in a deep flow, relative to the largest number.
        Layout { scalar: raw::GLK_F32, .. } => 1e-3,
        // The links are unitary as far as f32 can hold them.
        Layout { fewer_rows: true, .. } => 1e-4,
        _ => 1e-11,
    };
    let mut found = Vec::new();
    let single = case.layout.scalar == raw::GLK_F32;
    // What has no input draws in a precision of its own.
    let apart = |operation: &Operation| {
        (operation.random && case.batch > 1) || (operation.inputs.is_empty() && single)
    };
    // Links of U(1) have one row.
    let whole = |operation: &Operation| {
        let rows = |kind: Kind| kind.stored(case.layout).extents != kind.extents;
        case.layout.fewer_rows && !operation.kinds().any(rows)
    };
    let fits = |operation: &&Operation| !apart(operation) && !whole(operation) && !absent(operation, lattice);
    for operation in operations.iter().filter(fits) {
        let name = operation.name;
        match compare(operation, case, lattice) {
            Ok(deviation) if deviation <= limit => found.push(format!("{name} {deviation:.0e}")),
            Ok(f64::INFINITY) => {
                return Verdict::failed(format!("{name} writes between the numbers of a field"));
            }
            Ok(deviation) => {
                let sentence = format!("{name} is off by {deviation:.1e} from the call on plain f64 fields");
                return Verdict::failed(sentence);
            }
            Err(error) if !case.declared && refusal(&error) => return Verdict::skipped(error.to_string()),
            Err(error) => return Verdict::failed(error.to_string()),
        }
    }
    if found.is_empty() {
        return Verdict::skipped("the component offers no function with such fields to try it with");
    }
    Verdict::passed(format!("off from plain f64 fields, relative: {} (limit {limit:.0e})", found.join(", ")))
}

fn refusal(error: &HostError) -> bool {
    matches!(error.status(), Some(raw::GLK_UNSUPPORTED | raw::GLK_NEED_COPY))
}

/// Whether even the plain call is refused.
pub(super) fn absent(operation: &Operation, lattice: &Lattice) -> bool {
    plain(operation, lattice, 0, raw::GLK_BOTH).is_err_and(|error| refusal(&error))
}

fn cases(subject: &Subject, spinors: bool) -> Vec<Case> {
    let orders = [
        (["LEX f64", "LEX f32"], raw::GLK_SITE_LEX, raw::GLK_BOTH),
        (["EO f64", "EO f32"], raw::GLK_SITE_EO, raw::GLK_BOTH),
        (["BLOCK f64", "BLOCK f32"], raw::GLK_SITE_BLOCK, raw::GLK_BOTH),
        (["TABLE f64", "TABLE f32"], raw::GLK_SITE_TABLE, raw::GLK_BOTH),
        (["BLOCK_EO f64", "BLOCK_EO f32"], raw::GLK_SITE_BLOCK_EO, raw::GLK_ODD),
    ];
    let info = subject.info;
    let mut cases = Vec::new();
    for (names, order, parity) in orders {
        for (name, scalar) in names.into_iter().zip([raw::GLK_F64, raw::GLK_F32]) {
            let declared = info.site_orders & 1 << order != 0 && info.scalars & 1 << scalar != 0;
            // Link fields hold both parities.
            if declared && (parity == raw::GLK_BOTH || spinors) {
                let split = order == raw::GLK_SITE_BLOCK && scalar == raw::GLK_F32;
                let form = if split { Form::SplitLanes } else { Form::Sites };
                let layout = Layout { order, scalar, form, parity, ..PLAIN };
                cases.push(Case { name, layout, batch: 1, flags: 0, declared: true });
            }
        }
    }
    let mut also = |name, layout, batch, flags| {
        cases.push(Case { name, layout, batch, flags, declared: false });
    };
    also("batch", PLAIN, BATCH, 0);
    also("halo", Layout { halo: true, ..PLAIN }, 1, 0);
    also("planes", Layout { form: Form::Planes, ..PLAIN }, 1, 0);
    also("parts apart", Layout { form: Form::Components, ..PLAIN }, 1, 0);
    also("ACCUMULATE", PLAIN, 1, raw::GLK_VIEW_ACCUMULATE);
    also("fewer rows", Layout { fewer_rows: true, ..PLAIN }, 1, 0);
    if spinors {
        let (eo, table) = (raw::GLK_SITE_EO, raw::GLK_SITE_TABLE);
        let halves = [
            ("even sites", eo, raw::GLK_EVEN),
            ("odd sites", eo, raw::GLK_ODD),
            ("odd sites, TABLE", table, raw::GLK_ODD),
        ];
        for (name, order, parity) in halves {
            also(name, Layout { order, parity, ..PLAIN }, 1, 0);
        }
        also("fifth dimension", Layout { fifth: BATCH, ..PLAIN }, 1, 0);
    }
    cases
}

/// Runs an operation with inputs and output in these layouts.
pub(super) fn call(
    operation: &Operation,
    inputs: &[Store],
    output: Option<&mut Store>,
    batch: usize,
    flags: u32,
) -> Result<Vec<f64>, HostError> {
    let views: Vec<View> = inputs.iter().map(Store::view).collect();
    let mut outputs: Vec<ViewMut> = output.into_iter().map(|store| store.view_mut(flags)).collect();
    let mut numbers = Plane::filled(f64::NAN, batch);
    let before: Vec<_> = inputs.iter().map(Store::bits).collect();
    let done = (operation.run)(&views, &mut outputs, &mut numbers);
    if inputs.iter().zip(&before).any(|(input, before)| input.bits() != *before) {
        plane::blame("writes into an input".into());
    }
    done?;
    Ok(if operation.returns_numbers { numbers.to_vec() } else { Vec::new() })
}

/// The fields first to first + batch of an argument; of the sites of one parity, zero elsewhere, where one is given.
fn fields(argument: &Argument, lattice: &Lattice, first: usize, batch: usize) -> Vec<f64> {
    let one = argument.kind.len(lattice);
    let (first, batch) = if argument.single { (0, 1) } else { (first, batch) };
    argument.fields[first * one..(first + batch) * one].to_vec()
}

/// Only the sites of a parity.
fn masked(kind: Kind, lattice: &Lattice, parity: i32, field: &[f64]) -> Vec<f64> {
    if parity == raw::GLK_BOTH || kind.code != raw::GLK_WILSON {
        return field.to_vec();
    }
    let each = kind.len(lattice) / lattice.sites();
    let holds = |site: usize| lattice.coordinates(site).iter().sum::<i64>() & 1 == i64::from(parity - 1);
    let keep = |(i, &x): (usize, &f64)| if holds(i / each % lattice.sites()) { x } else { 0.0 };
    field.iter().enumerate().map(keep).collect()
}

/// The call on one plain field of the batch.
fn plain(operation: &Operation, lattice: &Lattice, b: usize, parity: i32) -> Result<Answer, HostError> {
    let inputs = stores(operation, lattice, PLAIN, PLAIN, b, 1, parity);
    let mut output = operation.output.map(|kind| Store::new(kind, PLAIN, lattice, 1));
    let numbers = call(operation, &inputs, output.as_mut(), 1, 0)?;
    let field = output.map_or_else(Vec::new, |output| output.get());
    let field = operation.output.map_or(vec![], |kind| masked(kind, lattice, parity, &field));
    Ok(Answer { field, numbers })
}

/// The inputs, each in `layout`; single ones, which no parity can have, in `single`.
fn stores(
    operation: &Operation,
    lattice: &Lattice,
    layout: Layout,
    single: Layout,
    first: usize,
    batch: usize,
    parity: i32,
) -> Vec<Store> {
    let make = |argument: &Argument| {
        let (layout, batch) = if argument.single { (single, 1) } else { (layout, batch) };
        let mut store = Store::new(argument.kind, layout, lattice, batch);
        // Four-dimensional fields are slices of a fifth dimension.
        let fields = fields(argument, lattice, first, batch * layout.fifth);
        store.put(&argument.kind.held(layout, &masked(argument.kind, lattice, parity, &fields)));
        store
    };
    operation.inputs.iter().map(make).collect()
}

/// The largest deviation of an operation in a case, over inputs, output, and both in its layout.
fn compare(operation: &Operation, case: &Case, lattice: &Lattice) -> Result<f64, HostError> {
    let Case { layout, batch, flags, .. } = *case;
    let mut expected = Answer { field: Vec::new(), numbers: Vec::new() };
    for b in 0..batch * layout.fifth {
        let one = plain(operation, lattice, b, layout.parity)?;
        expected.field.extend(one.field);
        expected.numbers.extend(one.numbers);
    }
    // Of the same precision, and of the same sites.
    let order = if layout.parity == raw::GLK_BOTH { raw::GLK_SITE_LEX } else { raw::GLK_SITE_EO };
    let base = Layout { order, form: Form::Sites, halo: false, fewer_rows: false, ..layout };
    // Links hold both parities, and have no fifth dimension: where the spinors' order cannot, they stay plain.
    let whole = |layout: Layout| match layout.order {
        raw::GLK_SITE_BLOCK_EO => Layout { order: raw::GLK_SITE_BLOCK, parity: raw::GLK_BOTH, ..layout },
        _ => Layout { parity: raw::GLK_BOTH, fifth: 1, ..layout },
    };
    let mut worst = 0.0f64;
    for (from, to) in [(layout, base), (base, layout), (layout, layout)] {
        let inputs = stores(operation, lattice, from, whole(from), 0, batch, layout.parity);
        let mut output = operation.output.map(|kind| Store::new(kind, to, lattice, batch));
        let mut wanted = operation.output.map_or_else(Vec::new, |kind| kind.held(to, &expected.field));
        if flags & raw::GLK_VIEW_ACCUMULATE != 0
            && let Some(output) = &mut output
        {
            let old = rounded(numbers(9, wanted.len()));
            output.put(&old);
            wanted.iter_mut().zip(&old).for_each(|(wanted, old)| *wanted += old);
        }
        let returned = call(operation, &inputs, output.as_mut(), batch, flags)?;
        let largest = wanted.iter().fold(1e-300f64, |largest, x| largest.max(x.abs()));
        let mut deviations = vec![0.0];
        if let Some(output) = &output {
            deviations.push(distance(&output.get(), &wanted) / largest);
            if !output.gaps_are_whole() {
                deviations.push(f64::INFINITY);
            }
        }
        if !inputs.iter().all(Store::gaps_are_whole) {
            deviations.push(f64::INFINITY);
        }
        let scale = expected.numbers.iter().fold(1.0f64, |largest, x| largest.max(x.abs()));
        deviations.push(distance(&returned, &expected.numbers) / scale);
        for deviation in deviations {
            if deviation.is_nan() {
                return Ok(deviation);
            }
            worst = worst.max(deviation);
        }
    }
    Ok(worst)
}
