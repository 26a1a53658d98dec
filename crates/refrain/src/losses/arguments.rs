//! What `compile` takes as losses.

use super::Loss;

/// The losses of a model's outputs.
#[derive(Clone, Debug)]
pub enum Losses {
    /// The same for each output.
    Same(Loss),
    /// One for each output, in order; `None` for an output without a loss.
    List(Vec<Option<Loss>>),
    /// By the outputs' names.
    Dict(Vec<(String, Option<Loss>)>),
}

/// What `compile` takes as losses: one for all outputs, a list with one per output, or names with losses.
pub trait IntoLosses {
    /// As losses.
    fn into_losses(self) -> Losses;
}

impl IntoLosses for Losses {
    fn into_losses(self) -> Losses {
        self
    }
}

impl<L: Into<Loss>> IntoLosses for L {
    fn into_losses(self) -> Losses {
        Losses::Same(self.into())
    }
}

/// A loss, or none.
pub trait MaybeLoss {
    #[doc(hidden)]
    fn maybe(self) -> Option<Loss>;
}

impl<L: Into<Loss>> MaybeLoss for L {
    fn maybe(self) -> Option<Loss> {
        Some(self.into())
    }
}

impl<L: Into<Loss>> MaybeLoss for Option<L> {
    fn maybe(self) -> Option<Loss> {
        self.map(Into::into)
    }
}

impl<L: MaybeLoss, const N: usize> IntoLosses for [L; N] {
    fn into_losses(self) -> Losses {
        Losses::List(self.into_iter().map(L::maybe).collect())
    }
}

impl<L: MaybeLoss> IntoLosses for Vec<L> {
    fn into_losses(self) -> Losses {
        Losses::List(self.into_iter().map(L::maybe).collect())
    }
}

impl<L: MaybeLoss, const N: usize> IntoLosses for [(&str, L); N] {
    fn into_losses(self) -> Losses {
        let named = self
            .into_iter()
            .map(|(name, l)| (name.to_owned(), l.maybe()));
        Losses::Dict(named.collect())
    }
}
