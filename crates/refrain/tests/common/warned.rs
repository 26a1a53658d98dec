//! What the library warns of.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Once;

use refrain::Result;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    static TEXTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the text of each warning for the thread that gave it. One collector for all tests: `tracing` remembers for each
/// place of a warning whether anybody listens, which collectors that come and go in several threads can upset.
struct Collector;

struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            TEXTS.with_borrow_mut(|texts| texts.push(format!("{value:?}")));
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with("refrain")
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The texts of the warnings that a function gives.
pub fn warnings(f: impl FnOnce() -> Result<()>) -> Result<Vec<String>> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing::subscriber::set_global_default(Collector).expect("no other collector");
    });
    TEXTS.take();
    f()?;
    Ok(TEXTS.take())
}
