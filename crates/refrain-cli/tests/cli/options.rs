//! The options of `refrain fit`, and what is done about numbers that are not finite.

use refrain::callbacks::EarlyStopping;
use refrain::load_model;
use refrain::losses::Loss;
use refrain::optimizers::{ExponentialDecay, Optimizer, Sgd};

use crate::support::{Folder, compiled, labels, numbers, siamese, two_outputs, write_pairs};

const FIT: &str = "fit m.keras --data d.npz --output out.keras";

/// A compiled model and data for it.
fn prepared(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.save("m.keras", compiled());
    write_pairs(&folder, "d.npz", 40);
    folder
}

#[test]
fn one_epoch_of_batches_of_32_is_the_default() {
    let folder = prepared("defaults");
    folder
        .run(&format!("{FIT} --quiet --seed 1 --history h.json"))
        .done();
    assert_eq!(folder.json("h.json")["loss"].as_array().unwrap().len(), 1);
    let same = "--epochs 1 --batch-size 32 --output same.keras";
    folder
        .run(&format!("fit m.keras --data d.npz --quiet --seed 1 {same}"))
        .done();
    assert_eq!(folder.run("diff out.keras same.keras").done(), "");
}

#[test]
fn progress_is_one_line_an_epoch() {
    let folder = prepared("lines");
    let run = folder.run(&format!("{FIT} --epochs 3"));
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 3, "{run:#?}");
    for (i, line) in lines.iter().enumerate() {
        let start = format!("Epoch {}/3 - 2/2 - ", i + 1);
        assert!(
            line.starts_with(&start) && line.contains(" - loss: "),
            "{line}"
        );
    }
    run.done();
}

#[test]
fn classes_are_weighed_as_by_the_library() {
    let folder = prepared("classes");
    folder
        .run(&format!(
            "{FIT} --quiet --no-shuffle --class-weight 0=1,1=5 --seed 2"
        ))
        .done();
    refrain::initializers::set_random_seed(2);
    let model = load_model(folder.path("m.keras")).unwrap();
    let (left, right) = (numbers(&[40, 4], 1), numbers(&[40, 4], 2));
    let y = labels(40);
    let fit = model
        .fit([&left, &right], &y)
        .class_weight([(0, 1.0), (1, 5.0)]);
    fit.shuffle(false).seed(2).run().unwrap();
    model.save(folder.path("library.keras")).unwrap();
    assert_eq!(folder.run("diff out.keras library.keras").done(), "");
    folder
        .run(&format!("{FIT} --quiet --no-shuffle --seed 2"))
        .done();
    assert_eq!(folder.run("diff out.keras library.keras").code, Some(1));
    for wrong in ["0", "-1", "0=", "a=1", "0=-1", "0=nan"] {
        folder
            .run(&format!("{FIT} --class-weight {wrong}"))
            .misused("0=1,1=5");
    }
}

#[test]
fn epochs_steps_and_validation_are_those_asked_for() {
    let folder = prepared("epochs");
    let (left, right) = (numbers(&[12, 4], 3), numbers(&[12, 4], 4));
    let arrays = [("x0", &left), ("x1", &right), ("y0", &labels(12))];
    folder.write_arrays("v.npz", &arrays);
    let line = format!("{FIT} --batch-size 8 --history h.json");
    let run = folder.run(&format!(
        "{line} --epochs 6 --initial-epoch 3 --steps-per-epoch 2 --validation-data v.npz --validation-freq 2 \
         --validation-batch-size 4 --validation-steps 2"
    ));
    let epochs: Vec<&str> = run
        .err
        .lines()
        .filter_map(|l| l.split(" - ").next())
        .collect();
    assert_eq!(epochs, ["Epoch 4/6", "Epoch 5/6", "Epoch 6/6"], "{run:#?}");
    assert!(run.err.contains(" - 2/2 - "), "{run:#?}");
    run.done();
    let history = folder.json("h.json");
    assert_eq!(history["loss"].as_array().unwrap().len(), 3);
    assert_eq!(history["val_loss"].as_array().unwrap().len(), 2);
    folder
        .run(&format!("{line} --epochs 3 --initial-epoch 3"))
        .failed(&["--initial-epoch 3", "--epochs 3"]);
    folder
        .run(&format!(
            "{line} --validation-data v.npz --validation-split 0.5"
        ))
        .misused("--validation-split");
    folder
        .run(&format!("{line} --validation-data none.npz"))
        .failed(&["none.npz"]);
}

#[test]
fn callbacks_have_the_arguments_of_keras() {
    let folder = prepared("callbacks");
    let run = folder.run(&format!(
        "{FIT} --epochs 9 --quiet --seed 4 --history h.json --validation-split 0.25 \
         --early-stopping loss,min_delta=10,patience=2,mode=min,restore_best_weights=True,start_from_epoch=1 \
         --checkpoint runs/{{epoch:02d}}.weights.h5,save_weights_only=True \
         --csv-log log.csv,separator=; \
         --reduce-lr loss,factor=0.5,patience=1,min_delta=10,min_lr=0.001"
    ));
    run.done();
    refrain::initializers::set_random_seed(4);
    let model = load_model(folder.path("m.keras")).unwrap();
    let (left, right) = (numbers(&[40, 4], 1), numbers(&[40, 4], 2));
    let stop = EarlyStopping::new("loss")
        .min_delta(10.0)
        .patience(2)
        .start_from_epoch(1);
    let y = labels(40);
    let fit = model
        .fit([&left, &right], &y)
        .epochs(9)
        .seed(4)
        .validation_split(0.25);
    let epochs = fit.callback(stop).run().unwrap().epochs().len();
    assert_eq!(
        folder.json("h.json")["loss"].as_array().unwrap().len(),
        epochs
    );
    let table = std::fs::read_to_string(folder.path("log.csv")).unwrap();
    assert!(
        table.starts_with("epoch;accuracy;learning_rate;loss;"),
        "{table}"
    );
    assert_eq!(table.lines().count(), epochs + 1);
    let rates: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|l| l.split(';').nth(2))
        .collect();
    assert!(
        rates[0].starts_with("0.0099") && rates[rates.len() - 1].starts_with("0.00"),
        "{rates:?}"
    );
    assert_ne!(rates[0], rates[rates.len() - 1]);
    for epoch in 1..=epochs {
        assert!(folder.path(&format!("runs/{epoch:02}.weights.h5")).exists());
    }
}

#[test]
fn callbacks_that_cannot_work_are_refused_before_the_first_step() {
    let folder = prepared("wrong-callbacks");
    for (options, words) in [
        ("--early-stopping patience=1", "`val_loss`"),
        (
            "--early-stopping foo",
            "`--early-stopping` monitors `foo`, which is no value of the training; the values are loss, accuracy.",
        ),
        (
            "--validation-split 0.5 --early-stopping val_los",
            "the values are loss, accuracy, val_loss, val_accuracy.",
        ),
        (
            "--checkpoint c-{val_los}.keras",
            "the path of `--checkpoint` has `val_los`, but nothing validates",
        ),
        ("--reduce-lr val_accuracy", "`val_accuracy`"),
        (
            "--checkpoint b.keras,save_best_only=True",
            "nothing validates",
        ),
        ("--csv-log d.npz", "the table would overwrite `d.npz`"),
        (
            "--csv-log h.json --history h.json",
            "the table would overwrite `h.json`",
        ),
        ("--checkpoint d.npz/b.keras", "d.npz/b.keras"),
        ("--output d.npz/b.keras", "no folder `d.npz`"),
    ] {
        let line = format!("fit m.keras --data d.npz --quiet {options}");
        let output = if options.contains("--output") {
            ""
        } else {
            "--output out.keras"
        };
        folder.run(&format!("{line} {output}")).failed(&[words]);
    }
    for (options, word) in [
        ("--early-stopping loss,patience=-1", "0 or more"),
        (
            "--early-stopping loss,patients=1",
            "no argument `patients`; there are monitor, min_delta",
        ),
        ("--early-stopping loss,patience=1,patience=2", "there twice"),
        ("--early-stopping loss,5", "expected KEY=VALUE"),
        ("--reduce-lr loss,factor=1", "less than 1"),
        ("--checkpoint b.keras,save_best_only=1", "True or False"),
        ("--csv-log append=True", "a path first"),
        ("--checkpoint x.txt", "ends in .keras, .h5"),
        ("--checkpoint x.weights.h5", "save_weights_only=True"),
        (
            "--checkpoint x.keras,save_weights_only=True",
            "ends in .weights.h5",
        ),
    ] {
        folder.run(&format!("{FIT} {options}")).misused(word);
    }
    assert_eq!(folder.files(), ["d.npz", "m.keras"]);
}

#[test]
fn numbers_are_refused_in_words() {
    let folder = prepared("numbers");
    let one = "expected a whole number of 1 or more";
    let none = "expected a whole number of 0 or more";
    for option in [
        "epochs",
        "batch-size",
        "steps-per-epoch",
        "validation-steps",
        "validation-freq",
        "validation-batch-size",
    ] {
        for number in ["0", "-1", "1.5", "many"] {
            folder
                .run(&format!("{FIT} --{option} {number}"))
                .misused(one);
        }
    }
    for option in ["seed", "initial-epoch"] {
        folder.run(&format!("{FIT} --{option} -1")).misused(none);
    }
    for number in ["-0.1", "1", "nan"] {
        let line = format!("{FIT} --validation-split {number}");
        folder
            .run(&line)
            .misused("expected a number of 0 or more and less than 1");
    }
    folder
        .run(&format!("{FIT} --learning-rate -1"))
        .misused("expected a number of 0 or more");
    for line in [
        "predict m.keras --inputs x.npz --output y.npz",
        "evaluate m.keras --data d.npz",
    ] {
        for number in ["0", "-1"] {
            folder
                .run(&format!("{line} --batch-size {number}"))
                .misused(one);
        }
    }
}

#[test]
fn names_that_there_are_not_are_listed() {
    let folder = prepared("names");
    for (option, listed) in [
        (
            "--loss hinges",
            "mse, msle, poisson, sparse_categorical_crossentropy, ",
        ),
        (
            "--loss same=hinges",
            "mse, msle, poisson, sparse_categorical_crossentropy, ",
        ),
        ("--metrics auk", "accuracy, auc, bce, "),
        (
            "--optimizer adan",
            "Muon, Nadam, RMSprop, ScheduleFreeAdamW, SGD.",
        ),
    ] {
        let run = folder.run(&format!("{FIT} {option}"));
        for blamed in ["m.keras", "LoadOptions", "Loss::", "--no-compile"] {
            assert!(!run.err.contains(blamed), "{}", run.err);
        }
        run.failed(&[option.split(' ').next().unwrap(), listed]);
    }
    let run = folder.run("evaluate m.keras --data d.npz --metrics auk");
    assert!(!run.err.contains("m.keras"), "{}", run.err);
    run.failed(&["--metrics", "accuracy, "]);
}

#[test]
fn weights_that_fit_are_taken_from_another_file() {
    let folder = prepared("by-name");
    let other = folder.save("two.keras", two_outputs());
    let whole = load_model(folder.path("m.keras")).unwrap();
    whole.weights()[0].assign(numbers(&[4, 3], 9)).unwrap();
    whole.save_weights(folder.path("w.weights.h5")).unwrap();
    folder
        .run(&format!(
            "{FIT} --quiet --learning-rate 0 --weights w.weights.h5"
        ))
        .done();
    whole.save(folder.path("whole.keras")).unwrap();
    assert_eq!(folder.run("diff out.keras whole.keras").done(), "");

    // The file has `a` under its name, and where `b` would be another layer of the same shape.
    let x = refrain::layers::Input::new([4]).name("x").tensor();
    let dense = |units, name: &str| {
        refrain::layers::Dense::new(units)
            .name(name)
            .call(&x)
            .unwrap()
    };
    let save = |units, second: &str, file: &str| {
        let model = refrain::Model::new(&x, [&dense(units, "a"), &dense(1, second)]).unwrap();
        model.weights()[0].assign(numbers(&[4, units], 3)).unwrap();
        model.save_weights(folder.path(file)).unwrap();
        model
    };
    let third = save(2, "c", "third.weights.h5");
    save(5, "b", "wide.weights.h5");
    std::fs::write(folder.path("two.json"), other.to_json()).unwrap();
    let run = folder.run("convert third.weights.h5 new.keras --architecture two.json --by-name");
    assert!(
        run.err.contains("2 of 4 weights") && run.err.contains("b/kernel, b/bias"),
        "{run:#?}"
    );
    run.done();
    let new = load_model(folder.path("new.keras")).unwrap();
    assert_eq!(new.weights()[0].value().unwrap(), numbers(&[4, 2], 3));
    assert_ne!(
        new.weights()[2].value().unwrap(),
        third.weights()[2].value().unwrap()
    );
    let convert = "convert wide.weights.h5 new.keras --architecture two.json";
    folder
        .run(convert)
        .failed(&["do not fit", "--skip-mismatch"]);
    let run = folder.run(&format!("{convert} --skip-mismatch"));
    assert!(run.err.contains("a/kernel, a/bias"), "{run:#?}");
    run.done();
    folder
        .run("convert two.keras b.keras --by-name")
        .failed(&["--by-name", "--architecture MODEL"]);
    folder
        .run("predict two.keras --inputs d.npz --output y.npz --skip-mismatch")
        .failed(&["--skip-mismatch", "--weights FILE"]);
}

/// Data of which one number is NaN.
fn write_nan(folder: &Folder) {
    let mut left = numbers(&[40, 4], 1);
    left.values_mut::<f32>().unwrap()[35 * 4] = f32::NAN;
    let arrays = [
        ("x0", &left),
        ("x1", &numbers(&[40, 4], 2)),
        ("y0", &labels(40)),
    ];
    folder.write_arrays("nan.npz", &arrays);
}

#[test]
fn nan_ends_the_training_and_nothing_is_written() {
    let folder = prepared("nan");
    write_nan(&folder);
    std::fs::write(folder.path("out.keras"), "the last good one").unwrap();
    let line = "fit m.keras --data nan.npz --output out.keras --quiet --no-shuffle --history h.json --checkpoint c.keras";
    let words = [
        "epoch 1, step 2",
        "input `left` already holds",
        "--allow-nan",
    ];
    folder.run(line).failed(&words);
    folder.run(&format!("{line} --check-finite")).failed(&words);
    assert_eq!(
        std::fs::read(folder.path("out.keras")).unwrap(),
        b"the last good one"
    );
    assert_eq!(folder.files(), ["d.npz", "m.keras", "nan.npz", "out.keras"]);
    folder.run(&format!("{line} --allow-nan")).done();
    let trained = load_model(folder.path("out.keras")).unwrap();
    assert!(trained.weights()[0].value().unwrap().to_f64()[0].is_nan());
    folder
        .run(&format!("{line} --allow-nan --check-finite"))
        .misused("--allow-nan");

    let loss = "evaluate m.keras --data nan.npz";
    assert!(folder.run(loss).done().contains(r#""loss":null"#));
    folder
        .run(&format!("{loss} --check-finite"))
        .failed(&["nan.npz", "`loss` is NaN"]);
    let predict = "predict m.keras --inputs nan.npz --output y.npz";
    let run = folder.run(&format!("{predict} --check-finite"));
    run.failed(&["nan.npz", "output y0 of sample 35"]);
}

#[test]
fn nan_in_data_for_validation_ends_the_training_too() {
    let folder = prepared("nan-validation");
    let (left, right, y) = (numbers(&[40, 4], 1), numbers(&[40, 4], 2), labels(40));
    let mut bad = left.clone();
    bad.values_mut::<f32>().unwrap()[35 * 4] = f32::NAN;
    let arrays = [
        ("x0", &left),
        ("x1", &right),
        ("y0", &y),
        ("vx0", &bad),
        ("vx1", &right),
        ("vy0", &y),
    ];
    folder.write_arrays("v.npz", &arrays);
    let line =
        "fit m.keras --data v.npz --output out.keras --quiet --history h.json --checkpoint c.keras";
    folder.run(line).failed(&[
        "epoch 1, validation step 2: the loss became NaN; input `left` already holds",
        "--allow-nan",
    ]);
    assert_eq!(folder.files(), ["d.npz", "m.keras", "v.npz"]);
    folder.run(&format!("{line} --allow-nan")).done();
    assert!(folder.json("h.json")["val_loss"][0].is_null());
}

#[test]
fn the_file_that_does_not_fit_is_named() {
    let folder = prepared("which-file");
    let (left, wide) = (numbers(&[6, 4], 1), numbers(&[6, 5], 2));
    folder.write_arrays("v.npz", &[("x0", &left), ("x1", &wide), ("y0", &labels(6))]);
    let run = folder.run(&format!("{FIT} --validation-data v.npz"));
    assert!(!run.err.contains("d.npz"), "{run:#?}");
    run.failed(&["`v.npz`: ", "`right`", "(6, 5)"]);
    let run = folder.run(&format!("{FIT} --class-weight 7=2"));
    assert!(!run.err.contains("d.npz"), "{run:#?}");
    run.failed(&["class 7"]);
}

#[test]
fn a_model_compiled_without_a_loss_is_named() {
    let folder = prepared("no-loss");
    let model = siamese();
    let nothing = [None::<Loss>];
    model.compile(Sgd::new(0.1), nothing).run().unwrap();
    folder.save("m.keras", model);
    let run = folder.run(&format!("{FIT} --quiet"));
    assert!(!run.err.contains("d.npz"), "{run:#?}");
    run.failed(&["`m.keras`: the model is compiled without a loss", "--loss"]);
    folder
        .run("evaluate m.keras --data d.npz")
        .failed(&["`m.keras`: the model is compiled without a loss"]);
    folder.run(&format!("{FIT} --quiet --loss mse")).done();
}

#[test]
fn arrays_that_nothing_uses_are_told() {
    let folder = prepared("unused");
    let (left, right) = (numbers(&[8, 4], 1), numbers(&[8, 4], 2));
    let arrays = [
        ("x0", &left),
        ("x1", &right),
        ("y0", &labels(8)),
        ("label", &right),
    ];
    folder.write_arrays("d.npz", &arrays);
    for line in [
        "predict m.keras --inputs d.npz --output y.npz",
        "evaluate m.keras --data d.npz",
        "fit m.keras --data d.npz --quiet --output out.keras",
    ] {
        let run = folder.run(line);
        let expected = "refrain: warning: `d.npz`: nothing uses `label`.\n";
        assert_eq!(run.err, expected, "{line}");
        run.done();
    }
}

#[test]
fn optimizer_and_schedule_have_the_arguments_of_keras() {
    let folder = prepared("optimizer");
    let fit = |options: &str| folder.run(&format!("{FIT} --quiet {options}"));
    fit(
        "--optimizer sgd,momentum=0.5,nesterov=True,clipnorm=1 --schedule \
         exponential,decay_steps=10,decay_rate=0.5,staircase=True --learning-rate 0.25",
    )
    .done();
    let optimizer = load_model(folder.path("out.keras")).unwrap().optimizer();
    let schedule = ExponentialDecay::new(0.25, 10.0, 0.5).staircase(true);
    let sgd = Sgd::new(schedule)
        .momentum(0.5)
        .nesterov(true)
        .clipnorm(1.0);
    let expected = Optimizer::from(sgd).config();
    assert_eq!(optimizer.unwrap().config(), expected);
    fit("--schedule piecewise_constant,boundaries=[1,2],values=[0.1,0.01,0.001]").done();
    let config = load_model(folder.path("out.keras")).unwrap().optimizer();
    let rate = &config.unwrap().config()["learning_rate"];
    assert_eq!(rate["config"]["values"][2], 0.001);
    fit("--schedule cosine,decay_steps=10").done();
    let config = load_model(folder.path("out.keras")).unwrap().optimizer();
    let rate = &config.unwrap().config()["learning_rate"];
    let first = rate["config"]["initial_learning_rate"].as_f64().unwrap();
    assert!((first - 0.01).abs() < 1e-6, "the model's, not {first}");
    for (options, words) in [
        (
            "--optimizer adam,beta1=0.5",
            "`--optimizer` has no argument `beta1`. There are name, learning_rate,",
        ),
        ("--optimizer adam,beta_1=a", "expected a number, True"),
        (
            "--optimizer adam,clipnorm=True",
            "option `clipnorm`: expected a number, got true",
        ),
        ("--optimizer adam,clipnorm=-1", "`--optimizer`: "),
        (
            "--optimizer adam,clipnorm=1,clipnorm=2",
            "`clipnorm` is there twice",
        ),
        ("--optimizer adam,learning_rate=1 --learning-rate 1", "both"),
        (
            "--optimizer adam,learning_rate=1 --schedule cosine,decay_steps=9,initial_learning_rate=2",
            "both `--optimizer adam,learning_rate` and `--schedule cosine,initial_learning_rate`",
        ),
        (
            "--optimizer adam,learning_rate=1 --schedule piecewise_constant,boundaries=[1],values=[1,2]",
            "both `--optimizer adam,learning_rate` and `--schedule piecewise_constant`",
        ),
        (
            "--learning-rate 1 --schedule cosine,decay_steps=9,initial_learning_rate=2",
            "both `--learning-rate` and `--schedule cosine,initial_learning_rate`",
        ),
        (
            "--schedule cosines",
            "`--schedule` knows no `cosines`. There are cosine, exponential,",
        ),
        ("--schedule cosine", "`--schedule`: "),
        ("--schedule cosine,decay_steps=0", "`--schedule`: "),
        (
            "--schedule cosine,decay_steps=9,decay_rate=2",
            "has no argument `decay_rate`",
        ),
    ] {
        let run = fit(options);
        assert!(!run.err.contains("m.keras"), "{run:#?}");
        run.failed(&[words]);
    }
}

#[test]
fn losses_have_weights_and_metrics_may_count_those_of_samples() {
    let folder = Folder::new("loss-weights");
    folder.save("m.keras", two_outputs());
    let (x, a, b) = (
        numbers(&[40, 4], 1),
        numbers(&[40, 2], 2),
        numbers(&[40, 1], 3),
    );
    let w = numbers(&[40], 4);
    let all = [("x0", &x), ("y0", &a), ("y1", &b), ("w0", &w)];
    folder.write_arrays("d.npz", &all);
    let line = "evaluate m.keras --data d.npz --loss mse --metrics a=mae --weighted-metrics a=mae";
    let values = |options: &str| -> serde_json::Value {
        let run = folder.run(&format!("{line} {options}")).done();
        run.parse().unwrap()
    };
    let plain = values("");
    assert_ne!(plain["a_mae"], plain["a_weighted_mae"], "{plain}");
    let sum = |scores: &serde_json::Value, weights: [f64; 2]| {
        let loss = |name: &str| scores[name].as_f64().unwrap();
        weights[0] * loss("a_loss") + weights[1] * loss("b_loss") - loss("loss")
    };
    assert!(sum(&plain, [1.0, 1.0]).abs() < 1e-5, "{plain}");
    for weights in ["2,0.5", "a=2,b=0.5"] {
        let scores = values(&format!("--loss-weights {weights}"));
        assert!(sum(&scores, [2.0, 0.5]).abs() < 1e-5, "{scores}");
    }
    folder
        .run(&format!("{line} --loss-weights 1,2,3"))
        .failed(&["`--loss-weights`", "3 "]);
    folder
        .run(&format!("{line} --loss-weights a=x,b=1"))
        .failed(&["`--loss-weights`", "a number"]);
}

#[test]
fn numbers_beyond_all_counts_do_no_harm() {
    let folder = prepared("huge");
    let most = usize::MAX;
    folder
        .run(&format!("{FIT} --quiet --batch-size {most} --validation-split 0.5 --validation-batch-size {most} --validation-steps {most}"))
        .done();
    folder
        .run(&format!("{FIT} --quiet --epochs {most} --initial-epoch {} --validation-freq {most} --validation-split 0.5", most - 1))
        .done();
    folder
        .run(&format!("{FIT} --quiet --epochs {most} --steps-per-epoch {most} --early-stopping loss --checkpoint x.keras/c.keras --csv-log d.npz"))
        .failed(&["d.npz"]);
    folder
        .run(&format!(
            "evaluate m.keras --data d.npz --batch-size {most} --steps {most}"
        ))
        .done();
    folder
        .run(&format!(
            "predict m.keras --inputs d.npz --output y.npz --batch-size {most}"
        ))
        .done();
    folder
        .run(&format!("{FIT} --epochs {most}0"))
        .misused("too large");
}

#[test]
fn a_loss_that_explodes_names_layer_and_operation() {
    let folder = Folder::new("explodes");
    folder.save("m.keras", two_outputs());
    let (x, a, b) = (
        numbers(&[40, 4], 1),
        numbers(&[40, 2], 2),
        numbers(&[40, 1], 3),
    );
    folder.write_arrays("d.npz", &[("x0", &x), ("y0", &a), ("y1", &b)]);
    let compile = "--optimizer sgd --learning-rate 1e30 --loss mse";
    let run = folder.run(&format!("{FIT} --epochs 30 --quiet {compile}"));
    assert!(!run.err.contains("d.npz"), "{}", run.err);
    run.failed(&[
        "epoch 1, step 2",
        "first operation",
        "`multiply`",
        "--allow-nan",
    ]);
    assert_eq!(folder.files(), ["d.npz", "m.keras"]);
}
