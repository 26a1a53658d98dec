//! Automatic names, exactly as Keras makes them.
//!
//! Counters belong to the thread, so that building models on one thread does not rename those of another.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static COUNTERS: RefCell<HashMap<String, usize>> = RefCell::new(HashMap::new());
    /// Of graphs being read, the innermost last.
    static TAKEN: RefCell<Vec<Names>> = const { RefCell::new(Vec::new()) };
    /// What names that are numbered for each graph begin with; `None` for those that the thread numbers.
    static IN_GRAPH: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// The names that a graph has.
struct Names {
    taken: HashSet<String>,
    /// The next number of each prefix that is numbered for the graph.
    next: HashMap<String, usize>,
}

/// Runs what makes a mask. Keras makes functions of the same kind for its own masks when it reads a file, whose names must not
/// be those of the file: functions made here are `mask_not_equal` where Keras has `not_equal`.
pub(crate) fn for_masks<T>(f: impl FnOnce() -> T) -> T {
    numbered_in_graph("mask_", f)
}

/// Runs what makes functions that stand for one of a file.
pub(crate) fn for_parts<T>(f: impl FnOnce() -> T) -> T {
    numbered_in_graph("", f)
}

fn numbered_in_graph<T>(prefix: &'static str, f: impl FnOnce() -> T) -> T {
    let _outer = Outer(IN_GRAPH.replace(Some(prefix)));
    f()
}

/// Sets it back, also when a layer of a user's panics.
struct Outer(Option<&'static str>);

impl Drop for Outer {
    fn drop(&mut self) {
        IN_GRAPH.set(self.0);
    }
}

/// Keeps automatic names apart from given ones for as long as it lives.
pub(crate) struct Taken(());

impl Taken {
    pub(crate) fn new(names: HashSet<String>) -> Self {
        TAKEN.with_borrow_mut(|taken| {
            taken.push(Names {
                taken: names,
                next: HashMap::new(),
            })
        });
        Taken(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        TAKEN.with_borrow_mut(|taken| taken.pop());
    }
}

/// Forgets all automatic names of this thread: the next `Dense` is `dense` again.
///
/// ```
/// use refrain::layers::Dense;
/// refrain::clear_session();
/// assert_eq!(Dense::new(1).get_name(), "dense");
/// assert_eq!(Dense::new(1).get_name(), "dense_1");
/// refrain::clear_session();
/// assert_eq!(Dense::new(1).get_name(), "dense");
/// ```
pub fn clear_session() {
    COUNTERS.with_borrow_mut(HashMap::clear);
}

/// `dense`, then `dense_1`, `dense_2`, … for a prefix.
pub(crate) fn unique(prefix: &str) -> String {
    match IN_GRAPH.get() {
        Some(first) => {
            let prefix = format!("{first}{prefix}");
            unique_in_file(&prefix).unwrap_or_else(|| counted(&prefix))
        }
        None => counted(prefix),
    }
}

/// The first of a prefix's names that the graph being read does not have: a file read again has the same names again.
fn unique_in_file(prefix: &str) -> Option<String> {
    TAKEN.with_borrow_mut(|taken| {
        let names = taken.last_mut()?;
        let next = names.next.entry(prefix.to_owned()).or_insert(0);
        let mut numbered = (*next..).map(|index| numbered(prefix, index));
        numbered.find(|name| {
            *next += 1;
            names.taken.insert(name.clone())
        })
    })
}

fn counted(prefix: &str) -> String {
    COUNTERS.with_borrow_mut(|counters| {
        let count = counters.entry(prefix.to_owned()).or_insert(0);
        let names = (*count..).map(|index| (index, numbered(prefix, index)));
        let is_free =
            |name: &str| TAKEN.with_borrow(|taken| !taken.iter().any(|t| t.taken.contains(name)));
        let (index, name) = names
            .into_iter()
            .find(|(_, name)| is_free(name))
            .unwrap_or_default();
        *count = index + 1;
        name
    })
}

/// Gives a name back if it was the last one made, as if it had never been made.
///
/// Keras decides between an explicit and an automatic name before it counts; a builder decides after.
pub(crate) fn give_back(prefix: &str, name: &str) {
    COUNTERS.with_borrow_mut(|counters| {
        if let Some(count) = counters.get_mut(prefix)
            && *count > 0
            && numbered(prefix, *count - 1) == name
        {
            *count -= 1;
        }
    });
}

fn numbered(prefix: &str, index: usize) -> String {
    match index {
        0 => prefix.to_owned(),
        n => format!("{prefix}_{n}"),
    }
}

/// Refuses a name that Keras refuses.
pub(crate) fn check(name: &str) -> Result<()> {
    if name.contains('/') {
        return Err(Error::new(
            ErrorKind::Config,
            format!("a name cannot contain the character `/`, got `{name}`"),
        ));
    }
    Ok(())
}

/// The names under which Keras 3 takes layers that stand beside each other, in their order: layers of Keras 2 may have
/// slashes in theirs, which become `_`.
pub(crate) fn without_slashes(names: &[&str]) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let accepted = |name: &&str| {
        if !name.contains('/') {
            return (*name).to_owned();
        }
        let plain = name.replace('/', "_");
        let mut candidates = (0..).map(|i| numbered(&plain, i));
        let free = candidates.find(|candidate| taken.insert(candidate.clone()));
        free.unwrap_or(plain)
    };
    names.iter().map(accepted).collect()
}

/// What stands between the package and the name of what a user registered: `my_package>Scale`.
pub(crate) const PACKAGE: char = '>';

/// Keras's `to_snake_case`: `Conv2D` → `conv2d`, `Relu` → `re_lu`, `LSTM` → `lstm`; a user's class without its package.
pub(crate) fn snake_case(class: &str) -> String {
    let class = class.rsplit(PACKAGE).next().unwrap_or(class);
    let word: Vec<char> = class
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let mut out = String::new();
    for (i, &c) in word.iter().enumerate() {
        let before_word = c.is_ascii_uppercase()
            && i > 0
            && word.get(i + 1).is_some_and(char::is_ascii_lowercase);
        let after_lower = c.is_ascii_uppercase() && i > 0 && word[i - 1].is_ascii_lowercase();
        if (before_word || after_lower) && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Names of a list's members: `dense`, then `dense_1`, … by class.
#[derive(Default)]
pub(crate) struct Members(HashMap<String, usize>);

impl Members {
    /// The name of a member that the list holds `count` times.
    pub(crate) fn next(&mut self, class: &str, count: usize) -> String {
        let name = snake_case(class);
        let seen = self.0.entry(name.clone()).or_insert(0);
        let before = *seen;
        *seen += count;
        match before {
            0 => name,
            n => format!("{name}_{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_become_keras_names() {
        for (class, name) in [
            ("Dense", "dense"),
            ("my_package>MyLayer", "my_layer"),
            ("Conv2D", "conv2d"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("PReLU", "p_re_lu"),
            ("LSTM", "lstm"),
            ("GRU", "gru"),
            ("SimpleRNN", "simple_rnn"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("RMSNormalization", "rms_normalization"),
            ("InputLayer", "input_layer"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("ELU", "elu"),
            ("GetItem", "get_item"),
        ] {
            assert_eq!(snake_case(class), name, "{class}");
        }
    }

    #[test]
    fn names_of_a_graph_being_read_are_not_made_anew() {
        clear_session();
        let taken = Taken::new(HashSet::from(["t".to_owned(), "t_2".to_owned()]));
        assert_eq!([unique("t"), unique("t")], ["t_1", "t_3"]);
        drop(taken);
        assert_eq!(unique("t"), "t_4");
    }

    #[test]
    fn names_count_up_and_can_be_given_back() {
        clear_session();
        assert_eq!(unique("d"), "d");
        let second = unique("d");
        assert_eq!(second, "d_1");
        give_back("d", "d");
        assert_eq!(unique("d"), "d_2");
        give_back("d", "d_2");
        assert_eq!(unique("d"), "d_2");
    }
}
