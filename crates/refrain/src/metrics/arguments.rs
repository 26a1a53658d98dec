//! What `compile` takes as metrics.

use super::Metric;

/// The metrics of a model's outputs.
#[derive(Clone, Debug, Default)]
pub enum Metrics {
    /// None.
    #[default]
    Empty,
    /// For a model of one output; with several outputs, one metric each.
    Flat(Vec<Metric>),
    /// A list for each output, in order.
    Lists(Vec<Vec<Metric>>),
    /// By the outputs' names.
    Dict(Vec<(String, Vec<Metric>)>),
}

/// What `compile` takes as metrics: a list, a list of lists (one per output), or names with metrics.
pub trait IntoMetrics {
    /// As metrics.
    fn into_metrics(self) -> Metrics;
}

impl IntoMetrics for Metrics {
    fn into_metrics(self) -> Metrics {
        self
    }
}

impl<M: Into<Metric>> IntoMetrics for M {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(vec![self.into()])
    }
}

fn list(metrics: impl IntoIterator<Item = impl Into<Metric>>) -> Vec<Metric> {
    metrics.into_iter().map(Into::into).collect()
}

impl<M: Into<Metric>, const N: usize> IntoMetrics for [M; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(list(self))
    }
}

impl<M: Into<Metric>> IntoMetrics for Vec<M> {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(list(self))
    }
}

impl<M: Into<Metric>, const N: usize> IntoMetrics for [Vec<M>; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self.into_iter().map(list).collect())
    }
}

impl<M: Into<Metric>, const N: usize, const L: usize> IntoMetrics for [[M; L]; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self.into_iter().map(list).collect())
    }
}

impl<M: Into<Metric>> IntoMetrics for Vec<Vec<M>> {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self.into_iter().map(list).collect())
    }
}

fn named<V>(
    items: impl IntoIterator<Item = (impl Into<String>, V)>,
    f: fn(V) -> Vec<Metric>,
) -> Metrics {
    let items = items.into_iter().map(|(name, m)| (name.into(), f(m)));
    Metrics::Dict(items.collect())
}

impl<M: Into<Metric>, const N: usize> IntoMetrics for [(&str, M); N] {
    fn into_metrics(self) -> Metrics {
        named(self, |m| vec![m.into()])
    }
}

impl<M: Into<Metric>, const N: usize> IntoMetrics for [(&str, Vec<M>); N] {
    fn into_metrics(self) -> Metrics {
        named(self, list)
    }
}

impl<M: Into<Metric>, const N: usize, const L: usize> IntoMetrics for [(&str, [M; L]); N] {
    fn into_metrics(self) -> Metrics {
        named(self, list)
    }
}
