//! Expressions as text.

use std::fmt::{Formatter, Result, Write};

use super::operators::{Binding, Infix};
use super::term::{Literal, Node, Term};

/// Writes an expression, in parentheses where it binds less tightly than its place needs.
pub(super) fn print(term: &Term, least: Binding, f: &mut Formatter<'_>) -> Result {
    if binding(term.node()) >= least {
        return bare(term, f);
    }
    f.write_char('(')?;
    bare(term, f)?;
    f.write_char(')')
}

fn binding(node: &Node) -> Binding {
    match node {
        Node::Prefix(..) => Binding::Prefix,
        Node::Infix(operator, ..) => operator.binding(),
        Node::Literal(Literal::Int(n)) if *n < 0 => Binding::Prefix,
        Node::Literal(Literal::Float(n)) if n.is_sign_negative() => Binding::Prefix,
        _ => Binding::Postfix,
    }
}

fn bare(term: &Term, f: &mut Formatter<'_>) -> Result {
    match term.node() {
        Node::Input => f.write_char('x'),
        Node::Arguments => f.write_str("arguments"),
        Node::Literal(literal) => print_literal(literal, f),
        Node::List(items) => {
            f.write_char('[')?;
            listed(items, f)?;
            f.write_char(']')
        }
        Node::Tuple(items) => {
            f.write_char('(')?;
            tuple(items, f)?;
            f.write_char(')')
        }
        Node::Prefix(operator, operand) => {
            f.write_str(operator.symbol())?;
            print(operand, Binding::Prefix, f)
        }
        Node::Infix(operator, a, b) => infix(*operator, a, b, f),
        Node::Index(of, key) => {
            print(of, Binding::Postfix, f)?;
            f.write_char('[')?;
            match key.node() {
                Node::Tuple(items) if !items.is_empty() => tuple(items, f)?,
                _ => print(key, Binding::Compare, f)?,
            }
            f.write_char(']')
        }
        Node::Slice(bounds) => slice(bounds, f),
        Node::Call(callee, arguments, keywords) => {
            write!(f, "{}(", callee.name())?;
            listed(arguments, f)?;
            for (i, (name, value)) in keywords.iter().enumerate() {
                let separator = if i > 0 || !arguments.is_empty() {
                    ", "
                } else {
                    ""
                };
                write!(f, "{separator}{name}=")?;
                print(value, Binding::Compare, f)?;
            }
            f.write_char(')')
        }
    }
}

fn infix(operator: Infix, a: &Term, b: &Term, f: &mut Formatter<'_>) -> Result {
    let (left, right) = match operator.binding() {
        // `a ** b ** c` is `a ** (b ** c)`, and `a ** -b` needs no parentheses.
        Binding::Power => (Binding::Postfix, Binding::Prefix),
        // `a < b < c` would be a chain.
        Binding::Compare => (Binding::Or, Binding::Or),
        binding => (binding, binding.tighter()),
    };
    print(a, left, f)?;
    write!(f, " {} ", operator.symbol())?;
    print(b, right, f)
}

fn slice(bounds: &[Option<Box<Term>>; 3], f: &mut Formatter<'_>) -> Result {
    let [start, stop, step] = bounds;
    let bound = |term: &Option<Box<Term>>, f: &mut Formatter<'_>| match term {
        Some(term) => print(term, Binding::Compare, f),
        None => Ok(()),
    };
    bound(start, f)?;
    f.write_char(':')?;
    bound(stop, f)?;
    if step.is_some() {
        f.write_char(':')?;
    }
    bound(step, f)
}

fn listed(items: &[Term], f: &mut Formatter<'_>) -> Result {
    for (i, item) in items.iter().enumerate() {
        f.write_str(if i > 0 { ", " } else { "" })?;
        print(item, Binding::Compare, f)?;
    }
    Ok(())
}

/// The items of a tuple; one alone has a comma after it.
fn tuple(items: &[Term], f: &mut Formatter<'_>) -> Result {
    listed(items, f)?;
    f.write_str(if items.len() == 1 { "," } else { "" })
}

fn print_literal(literal: &Literal, f: &mut Formatter<'_>) -> Result {
    match literal {
        Literal::None => f.write_str("None"),
        Literal::Ellipsis => f.write_str("..."),
        Literal::Bool(true) => f.write_str("True"),
        Literal::Bool(false) => f.write_str("False"),
        Literal::Int(n) => write!(f, "{n}"),
        // Python has no literal for infinity but a number that is too large.
        Literal::Float(n) if n.is_infinite() => {
            f.write_str(if *n > 0.0 { "1e999" } else { "-1e999" })
        }
        Literal::Float(n) => write!(f, "{n:?}"),
        Literal::Text(text) => quoted(text, f),
    }
}

fn quoted(text: &str, f: &mut Formatter<'_>) -> Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\'' | '\\' => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}
