//! Automatic names, exactly as Keras makes them.
//!
//! Counters belong to the thread, so that building models on one thread does not rename those of another.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static COUNTERS: RefCell<HashMap<String, usize>> = RefCell::new(HashMap::new());
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
    COUNTERS.with_borrow_mut(|counters| {
        let count = counters.entry(prefix.to_owned()).or_insert(0);
        *count += 1;
        numbered(prefix, *count - 1)
    })
}

/// Keeps automatic names from repeating a name that a file gives.
pub(crate) fn reserve(name: &str) {
    const MOST: usize = 1 << 30; // a number beyond is no count of layers
    let numbered = name.rsplit_once('_');
    let numbered = numbered.and_then(|(prefix, number)| Some((prefix, number.parse().ok()?)));
    let (prefix, index) = numbered.unwrap_or((name, 0));
    if index < MOST {
        COUNTERS.with_borrow_mut(|counters| {
            let count = counters.entry(prefix.to_owned()).or_insert(0);
            *count = (*count).max(index + 1);
        });
    }
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

/// Keras's `to_snake_case`: `Conv2D` → `conv2d`, `Relu` → `re_lu`, `LSTM` → `lstm`.
pub(crate) fn snake_case(class: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_become_keras_names() {
        for (class, name) in [
            ("Dense", "dense"),
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
    fn names_count_up_and_can_be_given_back() {
        clear_session();
        assert_eq!(unique("d"), "d");
        let second = unique("d");
        assert_eq!(second, "d_1");
        give_back("d", "d");
        assert_eq!(unique("d"), "d_2");
        give_back("d", "d_2");
        assert_eq!(unique("d"), "d_2");
        reserve("d_7");
        reserve("d_1");
        reserve("e");
        reserve(&format!("d_{}", usize::MAX));
        assert_eq!(
            (unique("d"), unique("e")),
            ("d_8".to_owned(), "e_1".to_owned())
        );
    }
}
