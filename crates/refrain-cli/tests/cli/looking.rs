//! summary, inspect, plot.

use std::io::Read;
use std::process::Stdio;

use refrain::layers::Dense;
use refrain::{Model, input};

use crate::support::{Folder, compiled, siamese, with_lambda};

#[test]
fn summary_prints_the_table_or_json() {
    let folder = Folder::new("summary");
    let model = folder.save("m.keras", siamese());
    let text = folder.run("summary m.keras").done();
    assert_eq!(text, format!("{}\n", model.summary()));
    let json: serde_json::Value = folder.run("summary m.keras --json").done().parse().unwrap();
    assert_eq!(json, model.summary().to_json());
    assert_eq!(json["total_params"], 4 * 3 + 3 + 6 + 1);
}

#[test]
fn summary_shows_the_inside_of_nested_models() {
    let folder = Folder::new("nested");
    let x = input([4]);
    let inner =
        Model::with_name("inner", &x, Dense::new(3).name("deep").call(&x).unwrap()).unwrap();
    let y = input([4]);
    folder.save("m.keras", Model::new(&y, inner.call(&y).unwrap()).unwrap());
    assert!(!folder.run("summary m.keras").done().contains("deep"));
    assert!(
        folder
            .run("summary m.keras --expand-nested")
            .done()
            .contains("deep")
    );
}

#[test]
fn an_output_that_is_closed_early_is_no_failure() {
    let folder = Folder::new("closed");
    folder.save("m.keras", siamese());
    let mut child = folder
        .command("summary m.keras")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), text.as_str()), (Some(0), ""));
}

#[test]
fn inspect_prints_where_each_array_goes() {
    let folder = Folder::new("inspect");
    folder.save("m.keras", compiled());
    let text = folder.run("inspect m.keras").done();
    assert!(text.contains("Format: Keras archive"), "{text}");
    assert!(
        text.contains("layers/dense/vars/0 -> shared (Dense) kernel (4, 3)"),
        "{text}"
    );
}

#[test]
fn inspect_tells_why_a_model_does_not_load() {
    let folder = Folder::new("inspect-lambda");
    folder.save("m.keras", with_lambda());
    let text = folder.run("inspect m.keras").done();
    assert!(
        text.contains("Does not load: ") && text.contains("`distance`"),
        "{text}"
    );
    let text = folder
        .run_with("inspect m.keras --lambda", &["distance=abs(x[0] - x[1])"])
        .done();
    assert!(!text.contains("Does not load"), "{text}");
}

#[test]
fn plot_writes_svg_and_dot() {
    let folder = Folder::new("plot");
    let model = folder.save("m.keras", siamese());
    for (file, expected) in [("m.svg", model.to_svg()), ("m.dot", model.to_dot())] {
        assert_eq!(folder.run(&format!("plot m.keras -o {file}")).done(), "");
        assert_eq!(
            std::fs::read_to_string(folder.path(file)).unwrap(),
            expected
        );
    }
    folder.run("plot m.keras -o m.png").misused(".svg or .dot");
}
