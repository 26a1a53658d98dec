//! `refrain demo`: the library's examples, their own files, so that there is one of each.

#![allow(
    clippy::duplicate_mod,
    reason = "each demonstration is a whole example with what it needs"
)]

use std::process::exit;

use clap::{Args, ValueEnum};

use crate::failure::{Failure, Result};

#[path = "../../../refrain/examples/functional_tour.rs"]
mod functional_tour;
#[path = "../../../refrain/examples/gan.rs"]
mod gan;
#[path = "../../../refrain/examples/seq2seq.rs"]
mod seq2seq;
#[path = "../../../refrain/examples/shared_dense.rs"]
mod shared_dense;
#[path = "../../../refrain/examples/siamese.rs"]
mod siamese;
#[path = "../../../refrain/examples/transfer.rs"]
mod transfer;

/// Define, show and train one of the example models.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain demo siamese
  refrain demo shared_dense")]
pub struct Demo {
    /// Which model.
    name: Name,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    /// One Dense layer for two inputs.
    SharedDense,
    /// Do two images show the same digit? Shared convolutions.
    Siamese,
    /// Adding numbers written as characters: a shared LSTM.
    #[value(name = "seq2seq")]
    Seq2Seq,
    /// A generator against a discriminator that is shared by two models.
    Gan,
    /// Multiple inputs and outputs, nested models, feature extraction.
    FunctionalTour,
    /// A trained model, cut, frozen and given a new head.
    Transfer,
}

impl Demo {
    pub fn run(self) -> Result<()> {
        end_with_the_output();
        let done = match self.name {
            Name::SharedDense => shared_dense::main(),
            Name::Siamese => siamese::main(),
            Name::Seq2Seq => seq2seq::main(),
            Name::Gan => gan::main(),
            Name::FunctionalTour => functional_tour::main(),
            Name::Transfer => transfer::main(),
        };
        done.map_err(|e| Failure::new(e.to_string()))
    }
}

/// The examples print with `println!`, which panics once nobody reads any more: that is no fault to report.
fn end_with_the_output() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<String>();
        let text = text.map_or("", String::as_str);
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            exit(0);
        }
        report(info);
    }));
}
