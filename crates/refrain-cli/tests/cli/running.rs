//! predict, evaluate.

use refrain::{DType, Literal};
use refrain_storage::npz::{ONLY, to_npy};
use serde_json::Value as Json;

use crate::support::{
    Folder, compiled, labels, numbers, siamese, two_outputs, with_lambda, write_pairs,
};

#[test]
fn predictions_are_those_of_the_library() {
    let folder = Folder::new("predict");
    let model = folder.save("m.keras", siamese());
    let (left, right) = (numbers(&[5, 4], 1), numbers(&[5, 4], 2));
    let expected = model
        .predict([&left, &right])
        .run()
        .unwrap()
        .literal(0)
        .unwrap();
    folder.write_arrays("numbered.npz", &[("x1", &right), ("x0", &left)]);
    folder.write_arrays(
        "named.npz",
        &[("right", &right), ("left", &left), ("other", &left)],
    );
    for inputs in ["numbered.npz", "named.npz"] {
        let line = format!("predict m.keras --inputs {inputs} --output y.npz --batch-size 2");
        assert_eq!(folder.run(&line).done(), "");
        assert_eq!(folder.array("y.npz", "y0"), expected, "{inputs}");
    }
    folder
        .run("predict m.keras --inputs named.npz --output y.npy")
        .done();
    assert_eq!(folder.array("y.npy", ONLY), expected);
}

#[test]
fn outputs_are_numbered_in_flat_order() {
    let folder = Folder::new("outputs");
    let model = folder.save("m.keras", two_outputs());
    let x = numbers(&[3, 4], 1);
    std::fs::write(folder.path("x.npy"), to_npy(&x)).unwrap();
    folder
        .run("predict m.keras --inputs x.npy --output y.npz")
        .done();
    let expected = model.predict(&x).run().unwrap();
    for i in 0..2 {
        assert_eq!(
            folder.array("y.npz", &format!("y{i}")),
            expected.literal(i).unwrap()
        );
    }
    folder
        .run("predict m.keras --inputs x.npy --output y.npy")
        .failed(&["2 outputs", ".npz"]);
}

#[test]
fn data_of_other_types_are_converted() {
    let folder = Folder::new("types");
    folder.save("m.keras", two_outputs());
    let whole = Literal::new([2, 4], (0..8).collect::<Vec<i32>>()).unwrap();
    for dtype in [DType::F32, DType::F64, DType::I64, DType::U8, DType::F16] {
        folder.write_arrays("x.npz", &[("x0", &whole.convert(dtype))]);
        let line = format!(
            "predict m.keras --inputs x.npz --output {}.npz",
            dtype.keras_name()
        );
        folder.run(&line).done();
    }
    for other in ["float64", "int64", "uint8", "float16"] {
        let file = format!("{other}.npz");
        assert_eq!(
            folder.array(&file, "y0"),
            folder.array("float32.npz", "y0"),
            "{other}"
        );
    }
}

#[test]
fn a_lambda_is_given_as_an_expression() {
    let folder = Folder::new("lambda");
    let model = folder.save("m.keras", with_lambda());
    let (left, right) = (numbers(&[5, 4], 1), numbers(&[5, 4], 2));
    folder.write_arrays("x.npz", &[("x0", &left), ("x1", &right)]);
    let line = "predict m.keras --inputs x.npz --output y.npz";
    folder
        .run(line)
        .failed(&["m.keras", "`distance`", "--lambda distance="]);
    let line = &format!("{line} --lambda");
    folder.run_with(line, &["distance=abs(x[0] - x[1])"]).done();
    let expected = model
        .predict([&left, &right])
        .run()
        .unwrap()
        .literal(0)
        .unwrap();
    assert_eq!(folder.array("y.npz", "y0"), expected);
    folder
        .run_with(line, &["distance=abs(x[0]"])
        .misused("--lambda <NAME=EXPR>");
    folder
        .run_with(line, &["distance"])
        .misused("expected NAME=EXPR");
    let more = ["distance=x[0]", "--lambda", "distanse=x"];
    folder
        .run_with(line, &more)
        .failed(&["no Lambda layer `distanse`", "distance"]);
}

/// `lambda x: abs(x[0] - x[1])`, compiled by CPython 3.12.
const PYTHON_LAMBDA: &str = "YwEAAAAAAAAAAAAAAAUAAAADAAAA8yoAAACXAHQBAAAAAAAAAAB8AGQBGQAAAHwAZAIZAAAAegoAAKsBAAAAAAAAUwApA07pAAAAAOkBAAAAKQHaA2FicykB2gF4cwEAAAAg+gg8c3RyaW5nPvoIPGxhbWJkYT5yBgAAAAEAAABzFwAAAIAAjCOIYZABiWSQUZBxkVSJa9MKGoAA8wAAAAA=";

#[test]
fn well_known_python_lambdas_are_decoded_if_asked_for() {
    let folder = Folder::new("decode");
    let mut json: Json = with_lambda().to_json().parse().unwrap();
    let layers = json["config"]["layers"].as_array_mut().unwrap();
    let lambda = layers
        .iter_mut()
        .find(|layer| layer["class_name"] == "Lambda")
        .unwrap();
    lambda["config"]["function"] = serde_json::json!({
        "class_name": "__lambda__",
        "config": { "code": PYTHON_LAMBDA, "defaults": null, "closure": null },
    });
    std::fs::write(folder.path("m.json"), json.to_string()).unwrap();
    let line = "convert m.json m.keras --for-keras";
    let run = folder.run(line);
    run.failed(&["`m.json`", "`distance`", "--decode-lambdas"]);
    assert_eq!(folder.run(&format!("{line} --decode-lambdas")).done(), "");
}

#[test]
fn evaluation_is_printed_as_json() {
    let folder = Folder::new("evaluate");
    let model = folder.save("m.keras", compiled());
    write_pairs(&folder, "d.npz", 20);
    let text = folder
        .run("evaluate m.keras --data d.npz --batch-size 8")
        .done();
    let json: Json = text.parse().unwrap();
    let (left, right) = (numbers(&[20, 4], 1), numbers(&[20, 4], 2));
    let y = labels(20);
    let expected = model
        .evaluate([&left, &right], &y)
        .batch_size(8)
        .run()
        .unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, expected.names());
    assert_eq!(keys, ["loss", "accuracy"]);
    for (name, value) in expected.iter() {
        assert_eq!(json[name].as_f64(), Some(value), "{name}");
    }
}

#[test]
fn sample_weights_count() {
    let folder = Folder::new("weights");
    folder.save("m.keras", compiled());
    let (left, right, y) = (numbers(&[8, 4], 1), numbers(&[8, 4], 2), labels(8));
    let half: Vec<f32> = (0..8).map(|i| if i < 4 { 2.0 } else { 0.0 }).collect();
    let half = Literal::new([8], half).unwrap();
    folder.write_arrays(
        "w.npz",
        &[("x0", &left), ("x1", &right), ("y0", &y), ("w0", &half)],
    );
    folder.write_arrays("d.npz", &[("x0", &left), ("x1", &right), ("y0", &y)]);
    let loss = |data: &str| {
        let json: Json = folder
            .run(&format!("evaluate m.keras --data {data}"))
            .done()
            .parse()
            .unwrap();
        json["loss"].as_f64().unwrap()
    };
    assert_ne!(loss("w.npz"), loss("d.npz"));
}

#[test]
fn a_model_that_is_not_compiled_is_evaluated_with_a_loss() {
    let folder = Folder::new("uncompiled");
    folder.save("m.keras", siamese());
    write_pairs(&folder, "d.npz", 20);
    folder
        .run("evaluate m.keras --data d.npz")
        .failed(&["`m.keras`", "not compiled", "--loss"]);
    let text = folder
        .run("evaluate m.keras --data d.npz --loss mse --metrics mae,accuracy")
        .done();
    let json: Json = text.parse().unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["loss", "mae", "accuracy"]);
    folder
        .run("evaluate m.keras --data d.npz --loss mean")
        .failed(&["mean"]);
}

#[test]
fn outputs_without_a_loss_need_no_labels() {
    let folder = Folder::new("one-loss");
    folder.save("m.keras", two_outputs());
    let (x, y) = (numbers(&[6, 4], 1), numbers(&[6, 1], 2));
    folder.write_arrays("d.npz", &[("x0", &x), ("y1", &y)]);
    folder
        .run("evaluate m.keras --data d.npz --loss b=mse")
        .done();
    folder
        .run("evaluate m.keras --data d.npz --loss mse")
        .failed(&["no array `y0`", "`a`", "`x0`, `y1`"]);
}

#[cfg(unix)]
#[test]
fn file_names_need_not_be_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("bytes");
    folder.save("m.keras", compiled());
    write_pairs(&folder, "d.npz", 8);
    for (line, out) in [
        ("convert m.keras", &b"\xff.h5"[..]),
        ("plot m.keras -o", b"\xff.svg"),
        ("predict m.keras --inputs d.npz --output", b"\xff.npz"),
        (
            "fit m.keras --data d.npz --epochs 1 --batch-size 8 --quiet --output",
            b"\xff.keras",
        ),
    ] {
        let name = OsStr::from_bytes(out);
        let status = folder.command(line).arg(name).status().unwrap();
        assert!(status.success(), "{line}");
        assert!(folder.path("").join(name).exists(), "{line}");
    }
}
