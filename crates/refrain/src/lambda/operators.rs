//! Python's operators.

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Negative,
    Positive,
    Invert,
}

impl Prefix {
    pub(super) const ALL: [Prefix; 3] = [Prefix::Negative, Prefix::Positive, Prefix::Invert];

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Prefix::Negative => "-",
            Prefix::Positive => "+",
            Prefix::Invert => "~",
        }
    }
}

/// How tightly operators bind, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Compare,
    Or,
    Xor,
    And,
    Sum,
    Product,
    Prefix,
    Power,
    Postfix,
}

impl Binding {
    /// The next tighter binding.
    pub(super) fn tighter(self) -> Binding {
        match self {
            Binding::Compare => Binding::Or,
            Binding::Or => Binding::Xor,
            Binding::Xor => Binding::And,
            Binding::And => Binding::Sum,
            Binding::Sum => Binding::Product,
            Binding::Product => Binding::Prefix,
            Binding::Prefix => Binding::Power,
            Binding::Power | Binding::Postfix => Binding::Postfix,
        }
    }
}

/// Declares the operators between two operands: how each is written, how tightly it binds, and the names of its opcodes
/// before 3.11.
macro_rules! infixes {
    ($($name:ident $symbol:literal $binding:ident $opcode:literal;)*) => {
        /// An operator between two operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Infix {
            $($name),*
        }

        impl Infix {
            pub(super) const ALL: &'static [Infix] = &[$(Infix::$name),*];

            pub(super) fn symbol(self) -> &'static str {
                match self { $(Infix::$name => $symbol),* }
            }

            pub(super) fn binding(self) -> Binding {
                match self { $(Infix::$name => Binding::$binding),* }
            }

            /// The end of the opcode's name; empty for comparisons, which share one.
            pub(super) fn opcode(self) -> &'static str {
                match self { $(Infix::$name => $opcode),* }
            }
        }
    };
}

infixes! {
    Less "<" Compare "";
    LessEqual "<=" Compare "";
    Equal "==" Compare "";
    NotEqual "!=" Compare "";
    Greater ">" Compare "";
    GreaterEqual ">=" Compare "";
    Or "|" Or "OR";
    Xor "^" Xor "XOR";
    And "&" And "AND";
    Add "+" Sum "ADD";
    Subtract "-" Sum "SUBTRACT";
    Multiply "*" Product "MULTIPLY";
    Divide "/" Product "TRUE_DIVIDE";
    FloorDivide "//" Product "FLOOR_DIVIDE";
    Modulo "%" Product "MODULO";
    MatMul "@" Product "MATRIX_MULTIPLY";
    Power "**" Power "POWER";
}

impl Infix {
    /// The comparisons in the order of CPython's numbers for them.
    pub(super) const COMPARISONS: [Infix; 6] = [
        Infix::Less,
        Infix::LessEqual,
        Infix::Equal,
        Infix::NotEqual,
        Infix::Greater,
        Infix::GreaterEqual,
    ];

    /// The operator with CPython's number in `BINARY_OP`; `None` for shifts and for assignments in place.
    pub(super) fn numbered(number: usize) -> Option<Infix> {
        const ORDER: [Option<Infix>; 13] = [
            Some(Infix::Add),
            Some(Infix::And),
            Some(Infix::FloorDivide),
            None,
            Some(Infix::MatMul),
            Some(Infix::Multiply),
            Some(Infix::Modulo),
            Some(Infix::Or),
            Some(Infix::Power),
            None,
            Some(Infix::Subtract),
            Some(Infix::Divide),
            Some(Infix::Xor),
        ];
        ORDER.get(number).copied().flatten()
    }
}
