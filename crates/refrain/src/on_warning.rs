//! Warnings for programs that have no subscriber of `tracing`.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Gives the text of each of the library's warnings to a function from now on. A program that has a subscriber of `tracing`
/// sees them there, and keeps it: the answer is then `false`.
///
/// ```
/// refrain::on_warning(|text| eprintln!("warning: {text}"));
/// ```
pub fn on_warning(tell: impl Fn(&str) + Send + Sync + 'static) -> bool {
    tracing::subscriber::set_global_default(Listener(tell)).is_ok()
}

/// Listens to warnings. There are no spans to keep.
struct Listener<F>(F);

struct Message<'l, F>(&'l F);

impl<F: Fn(&str)> Visit for Message<'_, F> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            (self.0)(&format!("{value:?}"));
        }
    }
}

impl<F: Fn(&str) + Send + Sync + 'static> Subscriber for Listener<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with("refrain")
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message(&self.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
