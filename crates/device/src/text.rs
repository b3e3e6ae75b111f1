//! A program as the text of a kernel.

use gaugelink_lattice::Real;
use gaugelink_lattice::number::Program;
use gaugelink_lattice::number::program::{Operation, RecordedField, Statement};
use std::collections::HashMap;
use std::fmt::Write;

/// Threads of a block.
pub const BLOCK: usize = 128;

const PRELUDE: &str = include_str!("../text/prelude.h");

const SUM: &str = include_str!("../text/sum.h");

/// The text of a kernel, and what its launch needs.
///
/// Its arguments, in this order: the fields `[component][site]`, `near[step][site]` with the numbers of the sites'
/// neighbours, the number of sites of a field, the first site and the one after the last, the parameters.
#[derive(Clone, Debug)]
pub struct KernelText {
    /// The function's name.
    pub name: String,
    /// Bits of a real number, 64 or 32.
    pub bits: u32,
    /// Components of each field, and whether it is written.
    pub fields: Vec<RecordedField>,
    /// Names of the parameters.
    pub parameters: Vec<&'static str>,
    body: String,
}

impl KernelText {
    /// A site body as a kernel.
    pub fn of(name: &str, program: &Program) -> Self {
        let mut body = String::new();
        let mut printer =
            Printer { program, names: HashMap::new(), places: vec![false; program.places.len()] };
        printer.kernel(name, &mut body).expect("a string takes everything");
        let Program { bits, fields, parameters, .. } = program;
        Self { name: name.into(), bits: *bits, fields: fields.clone(), parameters: parameters.clone(), body }
    }

    /// Sums of `in` over the sites of each block, into the first numbers of `out`.
    pub fn sum<T: Real>() -> Self {
        let field = |name, written| RecordedField { name, components: 1, written };
        let name = format!("sum_f{}", T::BITS);
        let body = format!("typedef {} real;\n{}", real(T::BITS), SUM.replace("glk_sum", &name));
        let fields = vec![field("in", false), field("out", true)];
        Self { name, bits: T::BITS, fields, parameters: Vec::new(), body }
    }

    /// All that a compiler needs.
    pub fn source(&self) -> String {
        format!("#define GLK_BLOCK {BLOCK}\n{PRELUDE}\n{}", self.body)
    }

    /// Plants a bug.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        assert!(self.body.contains(from), "{from}");
        self.body = self.body.replace(from, to);
    }

    /// A function that calls the kernel with what an array of pointers to its arguments points to, as `cuLaunchKernel`
    /// takes them.
    pub(crate) fn trampoline(&self) -> String {
        let real = real(self.bits);
        let count = "long long".to_owned();
        let mut types: Vec<String> = self.fields.iter().map(|_| format!("{real} *")).collect();
        types.extend(["const int *".to_owned(), count.clone(), count.clone(), count]);
        types.extend(self.parameters.iter().map(|_| real.to_owned()));
        let arguments: Vec<String> =
            types.iter().enumerate().map(|(i, kind)| format!("*({kind} *)p[{i}]")).collect();
        format!("static void glk_host_call(void **p) {{ {}({}); }}\n", self.name, arguments.join(", "))
    }
}

fn real(bits: u32) -> &'static str {
    if bits == 64 { "double" } else { "float" }
}

struct Printer<'p> {
    program: &'p Program,
    /// What an operation is called, where that is not t and its number.
    names: HashMap<u32, String>,
    /// Places whose sites are known.
    places: Vec<bool>,
}

impl Printer<'_> {
    fn real(&self) -> &'static str {
        real(self.program.bits)
    }

    fn kernel(&mut self, name: &str, text: &mut String) -> std::fmt::Result {
        let real = self.real();
        write!(text, "GLK_KERNEL void {name}(")?;
        for field in &self.program.fields {
            write!(text, "{}{real} *{}, ", if field.written { "" } else { "const " }, field.name)?;
        }
        write!(text, "const int *near, long long sites, long long first, long long end")?;
        for parameter in &self.program.parameters {
            write!(text, ", {real} {parameter}")?;
        }
        let bytes = self.program.bits / 8;
        writeln!(text, ") {{\n  if (first + GLK_THREAD >= end) return;")?;
        writeln!(text, "  const unsigned x = (unsigned)(first + GLK_THREAD), at_x = {bytes} * x;")?;
        self.places[0] = true;
        for &statement in &self.program.statements {
            match statement {
                Statement::Compute(id) => self.compute(id, text)?,
                Statement::Fence => writeln!(text, "  GLK_FENCE();")?,
                Statement::Store { field, component, value } => {
                    let (field, value) = (self.program.fields[field as usize].name, self.name(value));
                    writeln!(text, "  GLK_AT({real}, {field} + {component} * sites, at_x) = {value};")?;
                }
            }
        }
        writeln!(text, "}}")
    }

    fn name(&self, id: u32) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("t{id}"))
    }

    /// The site of a place, which is looked up before its first use.
    fn site(&mut self, place: u32, text: &mut String) -> Result<String, std::fmt::Error> {
        let steps = &self.program.places[place as usize].steps;
        let named = |steps: &[usize]| match steps {
            [] => "x".to_owned(),
            steps => steps.iter().fold("x".to_owned(), |name, step| format!("{name}_{step}")),
        };
        let site = named(steps);
        if !std::mem::replace(&mut self.places[place as usize], true) {
            // The way there may pass places that nothing is read at.
            for taken in 1..=steps.len() {
                let between = self.program.places.iter().position(|p| p.steps == steps[..taken]);
                let known = between
                    .is_some_and(|p| p != place as usize && std::mem::replace(&mut self.places[p], true));
                if !known {
                    let (from, to) = (named(&steps[..taken - 1]), named(&steps[..taken]));
                    let (step, bytes) = (steps[taken - 1], self.program.bits / 8);
                    writeln!(
                        text,
                        "  const unsigned {to} = near[{step} * sites + {from}], at_{to} = {bytes} * {to};"
                    )?;
                }
            }
        }
        Ok(site)
    }

    fn compute(&mut self, id: u32, text: &mut String) -> std::fmt::Result {
        use Operation as O;
        let suffix = if self.program.bits == 64 { "" } else { "F" };
        let n = |id| self.name(id);
        let expression = match self.program.operations[id as usize] {
            O::Constant(bits) => {
                let constant = self.constant(f64::from_bits(bits));
                self.names.insert(id, constant);
                return Ok(());
            }
            O::Parameter(index) => {
                self.names.insert(id, self.program.parameters[index as usize].to_owned());
                return Ok(());
            }
            O::Load { field, component, place } => {
                let site = self.site(place, text)?;
                let field = self.program.fields[field as usize].name;
                format!("GLK_AT(const {}, {field} + {component} * sites, at_{site})", self.real())
            }
            O::Add(a, b) => format!("{} + {}", n(a), n(b)),
            O::Sub(a, b) => format!("{} - {}", n(a), n(b)),
            O::Mul(a, b) => format!("{} * {}", n(a), n(b)),
            O::Neg(a) => format!("-{}", n(a)),
            O::MulAdd(a, b, c) => format!("GLK_FMA{suffix}({}, {}, {})", n(a), n(b), n(c)),
            O::NegMulAdd(a, b, c) => format!("GLK_FMA{suffix}(-{}, {}, {})", n(a), n(b), n(c)),
            O::Div(a, b) => format!("{} / {}", n(a), n(b)),
            O::Sqrt(a) => format!("GLK_SQRT{suffix}({})", n(a)),
            O::Round(a) => format!("GLK_RINT{suffix}({})", n(a)),
            O::Less(a, b) => {
                return writeln!(text, "  const bool t{id} = {} < {};", n(a), n(b));
            }
            O::Select(a, b, c) => format!("{} ? {} : {}", n(a), n(b), n(c)),
            O::Mantissa(a) => format!("glk_mantissa({})", n(a)),
            O::Exponent(a) => format!("glk_exponent({})", n(a)),
            O::Scale(a, b) => format!("glk_scale({}, {})", n(a), n(b)),
        };
        writeln!(text, "  const {} t{id} = {expression};", self.real())
    }

    /// A constant, in brackets and exact.
    fn constant(&self, x: f64) -> String {
        let suffix = if self.program.bits == 64 { "" } else { "f" };
        match x {
            x if x.is_nan() => format!("({})(0.0 / 0.0)", self.real()),
            x if x.is_infinite() => format!("({})({}1.0 / 0.0)", self.real(), if x < 0.0 { "-" } else { "" }),
            // As many digits as tell it from its neighbours.
            x if self.program.bits == 64 => format!("({x:e})"),
            x => format!("({:e}{suffix})", x as f32),
        }
    }
}
