//! Indices as Keras reads them in legacy HDF5 files.

use serde_json::Value as Json;

use crate::models::description::arguments::Reference;
use crate::ops::{is_module, spelled_out};

/// Puts slices of whole axes in place of each `...` in a model's indices: Keras opens no legacy file with an ellipsis.
pub(crate) fn spell_out_ellipses(json: &mut Json) {
    if is_get_item(json) {
        let calls = json.get_mut("inbound_nodes");
        let calls = calls.and_then(Json::as_array_mut);
        calls.into_iter().flatten().for_each(spell_out);
        return;
    }
    match json {
        Json::Array(items) => items.iter_mut().for_each(spell_out_ellipses),
        Json::Object(map) => map.values_mut().for_each(spell_out_ellipses),
        _ => {}
    }
}

fn is_get_item(json: &Json) -> bool {
    let module = json["module"].as_str().unwrap_or_default();
    json["class_name"].as_str() == Some("GetItem") && is_module(module)
}

/// Rewrites the index of a call. Arguments stand by position or by name.
fn spell_out(call: &mut Json) {
    let place = |call: &Json, position: usize, name: &str| match call["args"].get(position) {
        Some(_) => format!("/args/{position}"),
        None => format!("/kwargs/{name}"),
    };
    let (x, key) = (place(call, 0, "x"), place(call, 1, "key"));
    let rank = call.pointer(&x).and_then(Reference::described);
    let rank = rank.map(|(_, spec)| spec.shape.rank());
    if let Some(key) = call.pointer_mut(&key)
        && let Some(full) = rank.and_then(|rank| spelled_out(key, rank))
    {
        *key = full;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_function_without_calls_stays_as_it_is() {
        let function = json!({ "module": "keras.src.ops.numpy", "class_name": "GetItem" });
        let mut json = function.clone();
        super::spell_out_ellipses(&mut json);
        assert_eq!(json, function);
    }
}
