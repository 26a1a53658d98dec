//! What the library warns of.

use std::cell::RefCell;
use std::sync::Once;

use refrain::Result;

thread_local! {
    static TEXTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The texts of the warnings that a function gives. They are kept for the thread that gave them by one listener for all tests:
/// `tracing` remembers for each place of a warning whether anybody listens, which listeners that come and go in several
/// threads can upset.
pub fn warnings(f: impl FnOnce() -> Result<()>) -> Result<Vec<String>> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let keep = |text: &str| TEXTS.with_borrow_mut(|texts| texts.push(text.to_owned()));
        assert!(refrain::on_warning(keep), "no other listener");
    });
    TEXTS.take();
    f()?;
    Ok(TEXTS.take())
}
