//! convert, diff.

use refrain::layers::{Dense, add};
use refrain::{Literal, Model, load_model};

use crate::support::{Folder, compiled, numbers, siamese, two_outputs};

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
