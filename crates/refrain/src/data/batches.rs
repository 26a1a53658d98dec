//! Batches that a program makes itself: from an iterator, a channel, files.

use super::arrays::{Arrays, IntoArrays};
use crate::error::{Error, ErrorKind, Result};

/// One batch of samples: inputs, targets and, if they do not count alike, weights.
///
/// A pair `(x, y)` or a triple `(x, y, sample_weight)` of arrays is one too; arrays may be owned or borrowed.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    pub(crate) x: Arrays<'a>,
    pub(crate) y: Arrays<'a>,
    pub(crate) sample_weight: Option<Arrays<'a>>,
}

impl<'a> Batch<'a> {
    /// Inputs and targets.
    pub fn new(x: impl IntoArrays<'a>, y: impl IntoArrays<'a>) -> Self {
        Batch {
            x: x.into_arrays(),
            y: y.into_arrays(),
            sample_weight: None,
        }
    }

    /// How much each sample counts: one array for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.sample_weight = Some(weights.into_arrays());
        self
    }
}

/// What an iterator of batches may give: `(x, y)`, `(x, y, sample_weight)`, a [`Batch`], or a `Result` of one of them, whose
/// error ends the run.
pub trait IntoBatch<'a> {
    /// As a batch.
    ///
    /// # Errors
    /// That of a `Result`.
    fn into_batch(self) -> Result<Batch<'a>>;
}

impl<'a> IntoBatch<'a> for Batch<'a> {
    fn into_batch(self) -> Result<Batch<'a>> {
        Ok(self)
    }
}

impl<'a, X: IntoArrays<'a>, Y: IntoArrays<'a>> IntoBatch<'a> for (X, Y) {
    fn into_batch(self) -> Result<Batch<'a>> {
        Ok(Batch::new(self.0, self.1))
    }
}

impl<'a, X: IntoArrays<'a>, Y: IntoArrays<'a>, W: IntoArrays<'a>> IntoBatch<'a> for (X, Y, W) {
    fn into_batch(self) -> Result<Batch<'a>> {
        Ok(Batch::new(self.0, self.1).sample_weight(self.2))
    }
}

impl<'a, B: IntoBatch<'a>, E> IntoBatch<'a> for Result<B, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn into_batch(self) -> Result<Batch<'a>> {
        self.map_err(of_program)?.into_batch()
    }
}

/// The error of a program: its own, if it is one of refrain's.
pub(super) fn of_program(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => Error::new(ErrorKind::Data, other.to_string()),
    }
}

/// Where batches come from, pass after pass over the data. Every iterator of [batches](IntoBatch) is a source of one pass;
/// [`Passes`] makes an iterator for each.
pub trait BatchSource<'a> {
    /// The next batch of this pass; `None` when it has ended.
    fn next_batch(&mut self) -> Option<Result<Batch<'a>>>;

    /// Begins the data again. `false` if the source cannot, as by default.
    fn restart(&mut self) -> bool {
        false
    }

    /// Whether the source can begin again.
    fn restarts(&self) -> bool {
        false
    }

    /// Least and greatest number of batches left in this pass, as of an iterator; `(usize::MAX, None)` says that it does not
    /// end.
    fn size_hint(&mut self) -> (usize, Option<usize>) {
        (0, None)
    }
}

impl<'a, I: Iterator<Item: IntoBatch<'a>>> BatchSource<'a> for I {
    fn next_batch(&mut self) -> Option<Result<Batch<'a>>> {
        self.next().map(IntoBatch::into_batch)
    }

    fn size_hint(&mut self) -> (usize, Option<usize>) {
        Iterator::size_hint(self)
    }
}

/// A source that makes a new iterator of batches for each pass over the data.
///
/// ```
/// use ndarray::Array2;
/// use refrain::data::Passes;
/// // In each pass batches of other lengths.
/// let batches = Passes::new(|pass| {
///     (0..4).map(move |i| {
///         let steps = 5 + (pass + i) % 3;
///         (Array2::<f32>::zeros((8, steps)), Array2::<f32>::ones((8, 1)))
///     })
/// });
/// ```
pub struct Passes<F, I> {
    make: F,
    pass: usize,
    current: Option<I>,
}

impl<F: FnMut(usize) -> I, I: Iterator> Passes<F, I> {
    /// Calls `make` with the number of each pass (0 is the first).
    pub fn new(make: F) -> Self {
        Passes {
            make,
            pass: 0,
            current: None,
        }
    }

    fn current(&mut self) -> &mut I {
        let pass = self.pass;
        self.current.get_or_insert_with(|| (self.make)(pass))
    }
}

impl<'a, F, I> BatchSource<'a> for Passes<F, I>
where
    F: FnMut(usize) -> I,
    I: Iterator<Item: IntoBatch<'a>>,
{
    fn next_batch(&mut self) -> Option<Result<Batch<'a>>> {
        self.current().next_batch()
    }

    fn restart(&mut self) -> bool {
        self.pass += 1;
        self.current = None;
        true
    }

    fn restarts(&self) -> bool {
        true
    }

    fn size_hint(&mut self) -> (usize, Option<usize>) {
        Iterator::size_hint(self.current())
    }
}

/// A source read in rounds (epochs, or evaluations): of a number of steps each, or one pass each.
pub(crate) struct Stream<'a> {
    source: Box<dyn BatchSource<'a> + 'a>,
    /// Steps of a round; `None`: a pass.
    steps: Option<usize>,
    left: Option<usize>,
    /// The first batch of a round.
    first: Option<Batch<'a>>,
    begun: bool,
    ended: bool,
}

impl<'a> Stream<'a> {
    /// # Errors
    /// No steps are given, and the source has no end, or there are several rounds and it has one pass only.
    pub(crate) fn new(
        mut source: Box<dyn BatchSource<'a> + 'a>,
        steps: Option<usize>,
        rounds: usize,
        option: &str,
    ) -> Result<Self> {
        let refuse = |what: &str, hint: String| {
            let message = format!("expected `{option}` for {what}");
            Err(Error::new(ErrorKind::Config, message).hint(hint))
        };
        if steps.is_none() && source.size_hint() == (usize::MAX, None) {
            return refuse("batches that do not end", format!("Set `{option}`"));
        }
        if steps.is_none() && rounds > 1 && !source.restarts() {
            let hint =
                format!("Set `{option}`, or give `data::Passes`, which begins anew each time");
            return refuse("batches that come once, for more than one pass", hint);
        }
        Ok(Stream {
            source,
            steps,
            left: None,
            first: None,
            begun: false,
            ended: false,
        })
    }

    /// Steps of a round, if they are known; where a round is a pass, those that are left of it.
    pub(crate) fn steps(&mut self) -> Option<usize> {
        self.steps.or_else(|| match self.source.size_hint() {
            (least, Some(most)) if least == most => Some(least + usize::from(self.first.is_some())),
            _ => None,
        })
    }

    /// The steps of a round that were asked for.
    pub(crate) fn wanted(&self) -> Option<usize> {
        self.steps
    }

    /// Begins a round; `false` if the data have ended.
    ///
    /// # Errors
    /// The source failed, or never gave a batch.
    pub(crate) fn begin(&mut self) -> Result<bool> {
        if self.begun && (self.steps.is_none() || self.ended) {
            self.ended = !self.source.restart();
        }
        self.left = self.steps;
        self.first = match self.ended {
            true => None,
            false => self.pull()?,
        };
        if self.first.is_none() && !self.begun {
            let error = Error::mismatch(ErrorKind::Data, "batches of data", "none");
            return Err(error.hint("The source ended before its first batch"));
        }
        self.begun = true;
        Ok(self.first.is_some())
    }

    /// The next batch of the round; `None` when it has ended.
    pub(crate) fn next(&mut self) -> Result<Option<Batch<'a>>> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let batch = match self.first.take() {
            Some(first) => Some(first),
            None => self.pull()?,
        };
        self.left = self.left.map(|left| left - 1);
        Ok(batch)
    }

    /// The next batch of the source. Where rounds are counted in steps, the data begin again when they end.
    fn pull(&mut self) -> Result<Option<Batch<'a>>> {
        let mut next = self.source.next_batch();
        if next.is_none() && self.steps.is_some() && self.source.restart() {
            next = self.source.next_batch();
        }
        self.ended = next.is_none();
        next.transpose()
    }
}
