//! fit.

use std::fs::{File, read};
use std::io::Read;

use refrain::load_model;
use zip::ZipArchive;

use crate::support::{Folder, compiled, labels, numbers, siamese, two_outputs, write_pairs};

fn member(folder: &Folder, archive: &str, name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(folder.path(archive)).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[test]
fn what_was_fitted_predicts() {
    let folder = Folder::new("fit");
    let before = folder.save("m.keras", compiled());
    write_pairs(&folder, "d.npz", 40);
    let line = "fit m.keras --data d.npz --epochs 3 --batch-size 8 --output out.keras --seed 1 --validation-split 0.25 \
                --history h.json";
    let run = folder.run(line);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:#?}");
    assert!(
        run.err.contains("Epoch 3/3") && run.err.contains("val_loss"),
        "{}",
        run.err
    );
    let history = folder.json("h.json");
    let keys: Vec<&String> = history.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["accuracy", "loss", "val_accuracy", "val_loss"]);
    assert!(
        history
            .as_object()
            .unwrap()
            .values()
            .all(|v| v.as_array().unwrap().len() == 3)
    );
    let trained = load_model(folder.path("out.keras")).unwrap();
    assert!(trained.is_compiled());
    assert_ne!(
        trained.weights()[0].value().unwrap(),
        before.weights()[0].value().unwrap()
    );
    folder.write_arrays(
        "x.npz",
        &[("x0", &numbers(&[5, 4], 1)), ("x1", &numbers(&[5, 4], 2))],
    );
    folder
        .run("predict out.keras --inputs x.npz --output y.npz")
        .done();
    let expected = trained
        .predict([&numbers(&[5, 4], 1), &numbers(&[5, 4], 2)])
        .run()
        .unwrap();
    assert_eq!(folder.array("y.npz", "y0"), expected.literal(0).unwrap());
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let folder = Folder::new("seed");
    std::fs::write(folder.path("m.json"), siamese().to_json()).unwrap();
    write_pairs(&folder, "d.npz", 24);
    let fit = |output: &str, seed: u64| {
        let line = format!(
            "fit m.json --data d.npz --epochs 2 --batch-size 8 --optimizer adam --loss mse --quiet --seed {seed} --output {output}"
        );
        let run = folder.run(&line);
        assert_eq!(run.err, "");
        run.done();
    };
    for (output, seed) in [
        ("a.h5", 7),
        ("b.h5", 7),
        ("c.h5", 8),
        ("a.keras", 7),
        ("b.keras", 7),
    ] {
        fit(output, seed);
    }
    let bytes = |name: &str| read(folder.path(name)).unwrap();
    assert_eq!(bytes("a.h5"), bytes("b.h5"));
    assert_ne!(bytes("a.h5"), bytes("c.h5"));
    // The third member, the metadata, holds the date.
    for name in ["config.json", "model.weights.h5"] {
        assert_eq!(
            member(&folder, "a.keras", name),
            member(&folder, "b.keras", name),
            "{name}"
        );
    }
}

#[test]
fn training_goes_on_where_it_stopped() {
    let folder = Folder::new("go-on");
    folder.save("m.keras", two_outputs());
    let (x, a, b) = (
        numbers(&[16, 4], 1),
        numbers(&[16, 2], 2),
        numbers(&[16, 1], 3),
    );
    folder.write_arrays("d.npz", &[("x0", &x), ("y0", &a), ("y1", &b)]);
    let fit = |from: &str, more: &str| {
        folder
            .run(&format!(
                "fit {from} --data d.npz --batch-size 8 --no-shuffle --quiet {more}"
            ))
            .done();
    };
    let compile = "--optimizer adam --learning-rate 0.01 --loss a=mse,b=mae --metrics a=mae";
    fit(
        "m.keras",
        &format!("--epochs 2 --output whole.h5 {compile}"),
    );
    fit(
        "m.keras",
        &format!("--epochs 1 --output half.keras {compile}"),
    );
    fit("half.keras", "--epochs 1 --output rest.h5");
    assert_eq!(folder.run("diff whole.h5 rest.h5").done(), "");
    assert_eq!(
        load_model(folder.path("rest.h5"))
            .unwrap()
            .learning_rate()
            .unwrap(),
        f64::from(0.01f32)
    );
    fit(
        "half.keras",
        "--epochs 1 --output faster.h5 --learning-rate 0.5",
    );
    let run = folder.run("diff whole.h5 faster.h5");
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(
        load_model(folder.path("faster.h5"))
            .unwrap()
            .learning_rate()
            .unwrap(),
        0.5
    );
}

#[test]
fn data_in_the_file_validate() {
    let folder = Folder::new("validation");
    folder.save("m.keras", compiled());
    let (left, right, y) = (numbers(&[16, 4], 1), numbers(&[16, 4], 2), labels(16));
    let (vleft, vright, vy) = (numbers(&[6, 4], 5), numbers(&[6, 4], 6), labels(6));
    let all = [
        ("x0", &left),
        ("x1", &right),
        ("y0", &y),
        ("vx0", &vleft),
        ("vx1", &vright),
        ("vy0", &vy),
    ];
    folder.write_arrays("d.npz", &all);
    let line = "fit m.keras --data d.npz --epochs 2 --batch-size 8 --seed 3 --quiet --output out.keras --history h.json";
    folder.run(line).done();
    let trained = load_model(folder.path("out.keras")).unwrap();
    let expected = trained
        .evaluate([&vleft, &vright], &vy)
        .batch_size(8)
        .run()
        .unwrap();
    assert_eq!(
        folder.json("h.json")["val_loss"][1].as_f64(),
        Some(expected.loss())
    );
    folder
        .run(&format!("{line} --validation-split 0.5"))
        .failed(&["d.npz", "vx0", "--validation-split"]);
    folder.write_arrays("d.npz", &all[..5]);
    folder.run(line).failed(&["no array `vy0`", "`same`"]);
}

#[test]
fn a_model_that_is_not_compiled_needs_an_optimizer_and_a_loss() {
    let folder = Folder::new("compile");
    folder.save("m.keras", siamese());
    write_pairs(&folder, "d.npz", 16);
    let line = "fit m.keras --data d.npz --epochs 1 --batch-size 8 --output out.keras";
    folder
        .run(line)
        .failed(&["`m.keras`", "not compiled", "--optimizer", "--loss"]);
    folder
        .run(&format!("{line} --optimizer adam"))
        .failed(&["no loss", "--loss"]);
    folder
        .run(&format!("{line} --optimizer best --loss mse"))
        .failed(&["best", "Adam"]);
    folder
        .run(&format!("{line} --optimizer sgd --loss mse,mae"))
        .failed(&["m.keras", "2 names", "same"]);
    assert_eq!(folder.files(), ["d.npz", "m.keras"]);
    folder
        .run(&format!("{line} --optimizer sgd --loss mse"))
        .done();
}
