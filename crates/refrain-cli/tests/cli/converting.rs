//! convert, diff.

use std::fs::File;
use std::path::Path;

use refrain::layers::{Dense, add};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{Literal, Model, input, load_model};
use zip::ZipArchive;

use crate::support::{Folder, compiled, numbers, siamese, two_outputs, with_lambda};

#[test]
fn every_format_becomes_every_other() {
    let folder = Folder::new("convert");
    folder.save("a.keras", compiled());
    for name in ["a.h5", "a.safetensors"] {
        folder.run(&format!("convert a.keras {name}")).done();
        let back = format!("back-{name}.keras");
        folder.run(&format!("convert {name} {back}")).done();
        assert_eq!(folder.run(&format!("diff a.keras {back}")).done(), "");
    }
    assert!(
        load_model(folder.path("back-a.h5.keras"))
            .unwrap()
            .is_compiled()
    );
}

#[test]
fn a_shared_layer_in_a_nested_model_is_taken_out_for_keras() {
    let folder = Folder::new("for-keras");
    let (x, y) = (refrain::input([3]), refrain::input([3]));
    let shared = Dense::new(3).name("shared");
    let inner = Model::with_name("inner", &x, &shared.call(&x).unwrap()).unwrap();
    let sum = add([&inner.call(&y).unwrap(), &shared.call(&y).unwrap()]).unwrap();
    folder.save("a.keras", Model::new(&y, &sum).unwrap());

    let plain = folder.run("convert a.keras b.keras");
    assert!(plain.err.contains("--for-keras"), "{plain:#?}");
    plain.done();
    let run = folder.run("convert a.keras c.keras --for-keras");
    assert_eq!(run.err, "", "{run:#?}");
    run.done();
    let layers = |file: &str| load_model(folder.path(file)).unwrap().layers().len();
    assert_eq!((layers("b.keras"), layers("c.keras")), (4, 3));

    folder.write_arrays("x.npz", &[("x0", &numbers(&[4, 3], 1))]);
    for name in ["a", "c"] {
        let line = format!("predict {name}.keras --inputs x.npz --output {name}.npz");
        folder.run(&line).done();
    }
    assert_eq!(folder.array("a.npz", "y0"), folder.array("c.npz", "y0"));
}

#[test]
fn weights_alone_need_an_architecture() {
    let folder = Folder::new("weights-alone");
    folder.save("a.keras", siamese());
    folder.run("convert a.keras a.json").done();
    folder.run("convert a.keras a.weights.h5").done();
    folder
        .run("convert a.weights.h5 b.keras")
        .failed(&["a.weights.h5", "--architecture"]);
    folder
        .run("convert a.weights.h5 b.keras --architecture a.json")
        .done();
    folder.run("diff a.keras b.keras").done();
    folder.save("other.keras", two_outputs());
    folder
        .run("convert a.weights.h5 c.keras --architecture other.keras")
        .failed(&["a.weights.h5"]);
    let run = folder.run("convert a.json new.keras");
    assert!(run.err.contains("holds no weights"), "{run:#?}");
    run.done();
    folder.run("convert a.keras a.onnx").misused(".safetensors");
}

#[test]
fn differences_are_named_and_measured() {
    let folder = Folder::new("diff");
    let model = folder.save("a.keras", siamese());
    let bias = model.weights()[1].clone();
    bias.assign(Literal::new([3], vec![0.0f32, 0.5, 0.0]).unwrap())
        .unwrap();
    let model = folder.save("b.keras", model);
    let run = folder.run("diff a.keras b.keras");
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let line =
        "weight shared/bias (3,): 1 of 3 values differ, by at most 5.000e-1, on average 1.667e-1\n";
    assert_eq!(run.out, line);

    let json = model.to_json().replace("\"rate\":0.2", "\"rate\":0.3");
    std::fs::write(folder.path("c.json"), json).unwrap();
    let run = folder.run("diff a.keras c.json");
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(run.out, "layer `drop`.rate: 0.2 and 0.3\n");
    assert!(run.err.contains("architectures alone"), "{}", run.err);

    folder.save("d.keras", two_outputs());
    let run = folder.run("diff a.keras d.keras");
    assert_eq!(run.code, Some(1));
    assert!(
        run.out
            .contains("layer `shared` (Dense): only in the first"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("weight b/bias (1,): only in the second"),
        "{}",
        run.out
    );
    folder
        .run("diff a.keras missing.keras")
        .ended(2, &["missing.keras"]);
}

/// Two nested models whose inner layers have one name, with a layer of that name outside too.
fn twins() -> Model {
    let nested = |name: &str| {
        let x = input([4]);
        let y = Dense::new(4).name("dense").call(&x).unwrap();
        Model::with_name(name, &x, &y).unwrap()
    };
    let (left, right) = (nested("left"), nested("right"));
    let x = input([4]);
    let y = right.call(left.call(&x).unwrap()).unwrap();
    let y = Dense::new(4).name("dense").call(&y).unwrap();
    Model::with_name("twins", &x, &y).unwrap()
}

#[test]
fn nested_models_with_layers_of_one_name_are_compared_apart() {
    let folder = Folder::new("twins");
    let model = folder.save("a.keras", twins());
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()
        .unwrap();
    let x = numbers(&[8, 4], 1);
    let fit = |model: &Model| model.fit(&x, &x).shuffle(false).run().unwrap();
    for name in ["a.h5", "a.safetensors", "a.json"] {
        model.save(folder.path(name)).unwrap();
        for other in ["a.keras", name] {
            assert_eq!(folder.run(&format!("diff {other} {name}")).done(), "");
        }
    }
    let kernel = &model.get_layer("right").unwrap().weights()[0];
    kernel.assign(numbers(&[4, 4], 5)).unwrap();
    for name in ["b.keras", "b.h5", "b.safetensors"] {
        model.save(folder.path(name)).unwrap();
        let run = folder.run(&format!("diff a.keras {name}"));
        assert_eq!(run.code, Some(1), "{run:#?}");
        let only = "weight right/dense/kernel (4, 4): 16 of 16 values differ";
        assert!(run.out.starts_with(only), "{}", run.out);
        assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    }
    // The optimizer's variables of such layers have one name too, and stay apart.
    fit(&model);
    model.save(folder.path("half.h5")).unwrap();
    let half = load_model(folder.path("half.h5")).unwrap();
    fit(&model);
    fit(&half);
    model.save(folder.path("whole.keras")).unwrap();
    half.save(folder.path("rest.keras")).unwrap();
    assert_eq!(folder.run("diff whole.keras rest.keras").done(), "");
}

#[test]
fn slashes_that_conversion_takes_from_names_are_no_difference() {
    let folder = Folder::new("diff-slashes");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"));
    let zip = fixtures.join("../refrain/tests/fixtures/odd_files/keras_2.zip");
    let mut zip = ZipArchive::new(File::open(zip).unwrap()).unwrap();
    let mut file = File::create(folder.path("a.h5")).unwrap();
    std::io::copy(&mut zip.by_name("slashes.h5").unwrap(), &mut file).unwrap();
    folder.run("convert a.h5 b.keras").done();
    let run = folder.run("diff a.h5 b.keras");
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:#?}");
}

#[test]
fn lambdas_are_converted_and_compared_as_they_are_described() {
    let folder = Folder::new("described");
    folder.save("a.keras", with_lambda());
    for line in [
        "convert a.keras b.keras",
        "convert b.keras c.h5",
        "convert c.h5 d.safetensors",
        "convert d.safetensors e.json",
        "convert e.json f.keras",
        "diff a.keras b.keras",
        "diff a.keras c.h5",
        "diff a.keras e.json",
        "plot a.keras -o a.svg",
    ] {
        assert_eq!(folder.run(line).done(), "", "{line}");
    }
    assert!(folder.run("summary a.keras").done().contains("distance"));
    assert_eq!(folder.run("diff a.keras f.keras").code, Some(1));
    let json = with_lambda().to_json();
    assert!(json.contains("<lambda>"));
    let json = json.replace("<lambda>", "another");
    std::fs::write(folder.path("g.json"), json).unwrap();
    let run = folder.run("diff a.keras g.json");
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.contains("layer `distance`.function: "),
        "{}",
        run.out
    );
    let run = folder.run("convert b.keras h.keras --for-keras");
    run.failed(&["layer `distance` (Lambda)", "--lambda distance="]);
    let pair = [("x0", &numbers(&[2, 4], 1)), ("x1", &numbers(&[2, 4], 2))];
    folder.write_arrays("x.npz", &pair);
    let predict = "predict c.h5 --inputs x.npz --output y.npz";
    folder.run(predict).failed(&["`distance`"]);
}
