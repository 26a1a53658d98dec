//! Files that say more than can be followed: how they were compiled, or which layers may be one.

use refrain::layers::{Dense, Input, concatenate};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{Literal, Model, clone_model, load_model};

use crate::support::{Folder, compiled, siamese, write_pairs};

/// A model whose metric only the program that made it knows.
fn with_own_metric() -> Model {
    let model = siamese();
    let metric = Metric::custom("gap", |y, p| (y - p).abs());
    let compile = model.compile(Adam::new(0.01), Loss::MeanSquaredError);
    compile.metrics([metric]).run().unwrap();
    model
}

#[test]
fn an_unknown_metric_stops_nothing_that_does_without() {
    let folder = Folder::new("own-metric");
    folder.save("m.keras", with_own_metric());
    write_pairs(&folder, "d.npz", 8);
    write_pairs(&folder, "x.npz", 8);
    for line in [
        "summary m.keras",
        "convert m.keras c.keras",
        "convert m.keras c.h5",
        "evaluate m.keras --data d.npz --loss mse",
        "fit m.keras --data d.npz --epochs 1 --batch-size 8 --optimizer sgd --loss mse --quiet --output t.keras",
    ] {
        let run = folder.run(line);
        assert!(
            run.err.contains("warning") && run.err.contains("gap"),
            "{line}: {run:#?}"
        );
        run.done();
    }
    folder.run("plot m.keras -o m.svg").done();
    let run = folder.run("inspect m.keras");
    assert!(
        run.out.contains("Does not compile") && run.out.contains("gap"),
        "{run:#?}"
    );
    run.done();
    let config = |file: &str| load_model(folder.path(file)).unwrap().to_json();
    assert_eq!(config("c.keras"), config("m.keras"));
    assert!(config("c.h5").contains("gap"));
    assert!(!config("t.keras").contains("gap"));
    for line in [
        "evaluate m.keras --data d.npz",
        "fit m.keras --data d.npz --output u.keras",
    ] {
        let run = folder.run(line);
        assert_eq!(run.code, Some(1), "{run:#?}");
        let failure = run.err.lines().last().unwrap();
        assert!(failure.contains("--metrics"), "{run:#?}");
        assert!(failure.contains("--loss"), "{run:#?}");
        assert!(failure.contains("as its file says"), "{run:#?}");
        // Why is told once, when the model is loaded.
        assert!(
            run.err.contains("gap") && !failure.contains("gap"),
            "{run:#?}"
        );
        assert!(!run.err.contains("no optimizer"), "{run:#?}");
    }
    let line = "fit m.keras --data d.npz --quiet --metrics mae --output u.keras";
    folder.run(line).done();
    let model = load_model(folder.path("u.keras")).unwrap();
    assert_eq!(model.metrics_names().unwrap(), ["loss", "mae"]);
    assert_eq!(model.optimizer().unwrap().class_name(), "Adam");
}

#[test]
fn a_state_of_the_optimizer_that_does_not_fit_stops_nothing() {
    let folder = Folder::new("thawed");
    let model = compiled();
    let layer = model.get_layer("shared").unwrap();
    layer.set_trainable(false);
    write_pairs(&folder, "d.npz", 8);
    write_pairs(&folder, "x.npz", 8);
    folder.save("frozen.keras", model);
    let fit = "--data d.npz --epochs 1 --batch-size 8 --quiet";
    folder
        .run(&format!("fit frozen.keras {fit} --output m.keras"))
        .done();
    let model = load_model(folder.path("m.keras")).unwrap();
    model.get_layer("shared").unwrap().set_trainable(true);
    folder.save("m.keras", model);
    for (line, warns) in [
        ("summary m.keras".to_owned(), true),
        ("convert m.keras c.keras".to_owned(), true),
        ("convert m.keras c.h5".to_owned(), true),
        ("evaluate m.keras --data d.npz".to_owned(), true),
        (format!("fit m.keras {fit} --output t.keras"), true),
        (
            "predict m.keras --inputs x.npz --output y.npz".to_owned(),
            false,
        ),
        ("plot m.keras -o m.svg".to_owned(), false),
        ("diff m.keras m.keras".to_owned(), false),
    ] {
        let run = folder.run(&line);
        let warned =
            run.err.contains("state of the optimizer") && run.err.contains("was not loaded");
        assert_eq!(warned, warns, "{line}: {run:#?}");
        assert!(!run.err.contains("LoadOptions"), "{run:#?}");
        run.done();
    }
    let run = folder.run("inspect m.keras");
    assert!(
        run.out.contains("The optimizer's state is left: "),
        "{run:#?}"
    );
    // Training began anew.
    let variables = load_model(folder.path("t.keras"))
        .unwrap()
        .optimizer_variables();
    assert_eq!(variables.len(), 2 + 2 * 4);
    assert_eq!(variables[0].value().unwrap(), Literal::scalar(1i32));
}

#[test]
fn equal_layers_of_a_legacy_file_are_one_if_asked() {
    let folder = Folder::new("equal-layers");
    let x = Input::new([4]).name("x").tensor();
    let network = Model::with_name("network", &x, &Dense::new(3).name("d").call(&x).unwrap());
    let network = network.unwrap();
    let copy = clone_model(&network).unwrap();
    for (to, from) in copy.weights().iter().zip(network.weights()) {
        to.assign(from.value().unwrap()).unwrap();
    }
    let copy = Model::with_name("target", &copy.inputs()[0], &copy.outputs()[0]).unwrap();
    let s = Input::new([4]).name("s").tensor();
    let both = [network.call(&s).unwrap(), copy.call(&s).unwrap()];
    let both = Model::new(&s, &concatenate(both).unwrap()).unwrap();
    folder.save("m.h5", both);
    for (option, count) in [("", 30), ("--share-equal-layers", 15)] {
        let run = folder.run(&format!("convert m.h5 o.keras {option}"));
        assert_eq!(
            run.err.contains("--share-equal-layers"),
            option.is_empty(),
            "{run:#?}"
        );
        run.done();
        let model = load_model(folder.path("o.keras")).unwrap();
        assert_eq!(model.count_params(), count);
    }
}
