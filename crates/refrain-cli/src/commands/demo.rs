//! The library's examples as demonstrations: their own files, so that there is one of each.

use std::error::Error;

#[path = "../../refrain/examples/functional_tour.rs"]
mod functional_tour;
#[path = "../../refrain/examples/gan.rs"]
mod gan;
#[path = "../../refrain/examples/seq2seq.rs"]
mod seq2seq;
#[path = "../../refrain/examples/shared_dense.rs"]
mod shared_dense;
#[path = "../../refrain/examples/siamese.rs"]
mod siamese;

/// A demonstration.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Name {
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
}

impl Name {
    /// Runs it.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Name::SharedDense => shared_dense::main(),
            Name::Siamese => siamese::main(),
            Name::Seq2Seq => seq2seq::main(),
            Name::Gan => gan::main(),
            Name::FunctionalTour => functional_tour::main(),
        }
    }
}
