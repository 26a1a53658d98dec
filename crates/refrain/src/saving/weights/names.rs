//! Names that have to be different.

use std::collections::HashSet;

/// Names made different where two are the same: weights of layers that have one name in different nested models.
pub(crate) fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let different = |name: String| {
        let mut candidate = name.clone();
        for i in 1.. {
            if seen.insert(candidate.clone()) {
                break;
            }
            candidate = format!("{name}_{i}");
        }
        candidate
    };
    names.into_iter().map(different).collect()
}
