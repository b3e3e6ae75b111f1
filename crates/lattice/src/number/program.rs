//! What a site body does, as a list of single operations: left by the [recorder](super::recorder), printed as the text of a
//! device's kernel by other crates.

/// A number of a program, by its place in the list.
pub(super) type Id = u32;

/// One operation; operands are earlier operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A constant, as the bits of an `f64`.
    Constant(u64),
    /// A number that the launch gives.
    Parameter(u32),
    /// A component of a field at a place.
    Load {
        /// Which of [`Program::fields`].
        field: u32,
        /// Component of the site.
        component: u32,
        /// Which of [`Program::places`].
        place: u32,
    },
    /// a + b
    Add(Id, Id),
    /// a − b
    Sub(Id, Id),
    /// a b
    Mul(Id, Id),
    /// −a
    Neg(Id),
    /// a b + c, rounded once
    MulAdd(Id, Id, Id),
    /// c − a b, rounded once
    NegMulAdd(Id, Id, Id),
    /// a / b
    Div(Id, Id),
    /// √a
    Sqrt(Id),
    /// Nearest integer, ties to even
    Round(Id),
    /// a < b: a truth value
    Less(Id, Id),
    /// b where the truth value a holds, else c
    Select(Id, Id, Id),
    /// m of a = m 2^e, 1 ≤ m < 2
    Mantissa(Id),
    /// e of a = m 2^e
    Exponent(Id),
    /// a 2^b
    Scale(Id, Id),
}

/// Where a number is loaded: after some steps from the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Steps as [`crate::forward`] and [`crate::backward`] count them, first one first.
    pub steps: Vec<usize>,
}

/// A field of a program: an array `[component][site]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedField {
    /// Its name in the text.
    pub name: &'static str,
    /// Real numbers of a site.
    pub components: usize,
    /// Whether the program writes it.
    pub written: bool,
}

/// A line of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Computes an operation.
    Compute(Id),
    /// Writes a number to a component of a field at the site.
    Store {
        /// Which of [`Program::fields`].
        field: u32,
        /// Component of the site.
        component: u32,
        /// The number.
        value: Id,
    },
    /// Nothing is loaded earlier than here that is loaded after it.
    Fence,
}

/// What a site body does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Bits of a real number, 64 or 32.
    pub bits: u32,
    /// Arrays, in the order in which a launch gives them.
    pub fields: Vec<RecordedField>,
    /// Names of the numbers that a launch gives.
    pub parameters: Vec<&'static str>,
    /// Places at which fields are read; the first is the site itself.
    pub places: Vec<Place>,
    /// All operations that were recorded.
    pub operations: Vec<Operation>,
    /// Those that a store needs, and the stores, in order.
    pub statements: Vec<Statement>,
}

impl Program {
    /// Leaves out what no store needs.
    pub(super) fn drop_unused(&mut self) {
        let mut used = vec![false; self.operations.len()];
        for statement in self.statements.iter().rev() {
            match *statement {
                Statement::Store { value, .. } => used[value as usize] = true,
                Statement::Compute(id) if used[id as usize] => {
                    self.operations[id as usize].operands().for_each(|operand| used[operand as usize] = true);
                }
                Statement::Compute(_) | Statement::Fence => {}
            }
        }
        self.statements.retain(|statement| match *statement {
            Statement::Compute(id) => used[id as usize],
            Statement::Store { .. } | Statement::Fence => true,
        });
    }

    /// Floating-point operations of a site: a fused multiply-add is two.
    pub fn flops(&self) -> usize {
        let count = |statement: &Statement| match *statement {
            Statement::Compute(id) => match self.operations[id as usize] {
                Operation::Add(..) | Operation::Sub(..) | Operation::Mul(..) => 1,
                Operation::MulAdd(..) | Operation::NegMulAdd(..) => 2,
                Operation::Div(..) | Operation::Sqrt(..) => 1,
                _ => 0,
            },
            Statement::Store { .. } | Statement::Fence => 0,
        };
        self.statements.iter().map(count).sum()
    }
}

impl Operation {
    /// The operations that this one needs.
    pub fn operands(self) -> impl Iterator<Item = u32> {
        use Operation as O;
        let (operands, count) = match self {
            O::Constant(_) | O::Parameter(_) | O::Load { .. } => ([0; 3], 0),
            O::Neg(a) | O::Sqrt(a) | O::Round(a) | O::Mantissa(a) | O::Exponent(a) => ([a, 0, 0], 1),
            O::Add(a, b) | O::Sub(a, b) | O::Mul(a, b) | O::Div(a, b) | O::Less(a, b) | O::Scale(a, b) => {
                ([a, b, 0], 2)
            }
            O::MulAdd(a, b, c) | O::NegMulAdd(a, b, c) | O::Select(a, b, c) => ([a, b, c], 3),
        };
        operands.into_iter().take(count)
    }
}
