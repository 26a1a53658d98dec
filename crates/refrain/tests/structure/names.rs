//! Automatic names.

use refrain::layers::{Bidirectional, Conv2D, Dense, TimeDistributed};
use refrain::{Result, testing};
use serde_json::Value as Json;

use super::{golden, items, strings, text};

fn case(label: &str) -> Json {
    let mut cases = golden("names");
    let at = cases.iter().position(|c| c["label"] == label);
    cases.swap_remove(at.unwrap_or_else(|| panic!("no case {label}")))
}

#[test]
fn layers_from_configurations_are_named_as_in_keras() -> Result<()> {
    let mut tested = 0;
    for case in golden("names").iter().filter(|c| c["label"] != "wrappers") {
        refrain::clear_session();
        for row in items(case, "layers") {
            let config = row["config"].as_object().expect("a configuration");
            let layer = testing::layer(text(row, "class"), config)?;
            assert_eq!(layer.get_name(), text(row, "name"), "{}", case["label"]);
            tested += 1;
        }
    }
    assert!(tested > 100, "only {tested} layers");
    Ok(())
}

/// A builder learns of an explicit name only after it has made an automatic one, which must not count.
#[test]
fn layers_from_builders_are_named_as_in_keras() {
    for label in ["counters are per class", "explicit names do not count"] {
        refrain::clear_session();
        for row in items(&case(label), "layers") {
            let given = row["config"]["name"].as_str();
            let name = match (text(row, "class"), given) {
                ("Dense", None) => Dense::new(2).get_name().to_owned(),
                ("Dense", Some(name)) => Dense::new(2).name(name).get_name().to_owned(),
                ("Conv2D", None) => Conv2D::new(2, 2).get_name().to_owned(),
                other => panic!("no builder for {other:?}"),
            };
            assert_eq!(name, text(row, "name"), "{label}");
        }
    }
}

#[test]
fn wrappers_and_the_layers_inside_are_named_as_in_keras() -> Result<()> {
    refrain::clear_session();
    for row in items(&case("wrappers"), "layers") {
        let units = serde_json::Map::from_iter([("units".to_owned(), Json::from(2))]);
        let inner = testing::layer(text(row, "wrapped"), &units)?;
        assert_eq!(inner.get_name(), text(row, "inner"));
        let wrapper = match text(row, "class") {
            "Bidirectional" => Bidirectional::new(&inner).any(),
            _ => TimeDistributed::new(&inner).any(),
        };
        assert_eq!(wrapper.get_name(), text(row, "name"));
        let inside = wrapper.sublayers();
        let own: Vec<&str> = inside.iter().map(|(_, l)| l.get_name()).collect();
        let children = strings(row, "children");
        match children.is_empty() {
            true => assert_eq!(own, [inner.get_name()]),
            false => assert_eq!(own, children),
        }
    }
    Ok(())
}
