//! What does not work, and how that is said.

use std::fs::{read, write};

use refrain_storage::npz::to_npy;

use crate::support::{Folder, compiled, labels, numbers, siamese, write_pairs};

const COMMANDS: [&str; 9] = [
    "summary", "inspect", "plot", "predict", "evaluate", "fit", "convert", "diff", "demo",
];

#[test]
fn help_has_examples() {
    let folder = Folder::new("help");
    for command in COMMANDS {
        let text = folder.run(&format!("{command} --help")).done();
        assert!(
            text.contains(&format!("\n  refrain {command} ")),
            "{command}: {text}"
        );
    }
    let text = folder.run("--help").done();
    assert!(
        COMMANDS.iter().all(|command| text.contains(command)),
        "{text}"
    );
    assert!(folder.run("--version").done().starts_with("refrain "));
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = Folder::new("usage");
    folder.run("").misused("Usage");
    folder.run("sumary m.keras").misused("summary");
    for command in COMMANDS {
        folder
            .run(&format!("{command} --nonsense"))
            .misused("--nonsense");
    }
    folder
        .run("predict m.keras --inputs x.npz")
        .misused("--output");
    let predict = "predict m.keras --inputs x.npz --output";
    folder
        .run(&format!("{predict} y.npz --batch-size 0"))
        .misused("--batch-size");
    folder.run(&format!("{predict} y.csv")).misused(".npz");
    let fit = "fit m.keras --data d.npz --batch-size 8 --output";
    folder
        .run(&format!("{fit} out.keras --epochs 0"))
        .misused("--epochs");
    folder
        .run(&format!("{fit} out.json --epochs 1"))
        .misused(".keras");
    folder
        .run(&format!("{fit} out.keras --epochs 1 --validation-split 1"))
        .misused("less than 1");
    folder
        .run(&format!("{fit} out.keras --epochs 1 --learning-rate -1"))
        .misused("--learning-rate");
    folder
        .run("demo siamese --save siamese.h5")
        .misused(".keras");
}

#[test]
fn demonstrations_that_cannot_be_saved() {
    let folder = Folder::new("demo");
    folder
        .run("demo gan --save gan.keras")
        .failed(&["`--save`", "`siamese` only"]);
    folder
        .run("demo siamese --save missing/siamese.keras")
        .failed(&["`missing`"]);
    assert!(folder.files().is_empty());
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new("missing");
    folder.save("m.keras", compiled());
    for line in [
        "summary a.keras",
        "inspect a.keras",
        "plot a.keras -o a.svg",
        "convert a.keras b.keras",
    ] {
        folder.run(line).failed(&["`a.keras`", "No such file"]);
    }
    folder
        .run("evaluate m.keras --data d.npz")
        .failed(&["`d.npz`", "No such file"]);
    folder
        .run("predict m.keras --inputs x.npz --output y.npz")
        .failed(&["`x.npz`"]);
    folder
        .run("convert m.keras none/b.keras")
        .failed(&["`none`", "Make the folder"]);
    assert_eq!(folder.files(), ["m.keras"]);
}

#[test]
fn models_that_are_cut_off() {
    let folder = Folder::new("cut");
    folder.save("m.keras", compiled());
    folder.save("m.h5", compiled());
    for name in ["m.keras", "m.h5"] {
        let bytes = read(folder.path(name)).unwrap();
        for part in [0, 1, 3, 10, 100, 500, 900, 990, 999] {
            let cut = bytes.len() * part / 1000;
            write(folder.path("cut.keras"), &bytes[..cut]).unwrap();
            folder.run("summary cut.keras").failed(&["cut.keras"]);
            let run = folder.run("inspect cut.keras");
            assert!(
                run.code == Some(0) || run.err.contains("`cut.keras`"),
                "{run:#?}"
            );
        }
        write(folder.path("cut.keras"), &bytes[..bytes.len() - 1]).unwrap();
        folder.run("summary cut.keras").failed(&["cut.keras"]);
    }
}

#[test]
fn arrays_that_are_missing_or_too_many() {
    let folder = Folder::new("arrays");
    folder.save("m.keras", compiled());
    let (left, right, y) = (numbers(&[6, 4], 1), numbers(&[6, 4], 2), labels(6));
    let predict = |arrays: &[(&str, &refrain::Literal)]| {
        folder.write_arrays("x.npz", arrays);
        folder.run("predict m.keras --inputs x.npz --output y.npz")
    };
    predict(&[("x0", &left)]).failed(&[
        "`x.npz`",
        "no array `x1` for input `right`",
        "holds `x0`",
        "`left`, `right`",
    ]);
    predict(&[]).failed(&["`x.npz`", "holds nothing"]);
    predict(&[("x0", &left), ("x1", &right), ("x2", &left)]).failed(&["`x2` has no place"]);
    predict(&[
        ("x0", &left),
        ("x1", &right),
        ("left", &left),
        ("right", &right),
    ])
    .failed(&["there twice"]);
    write(folder.path("x.npy"), to_npy(&left)).unwrap();
    folder
        .run("predict m.keras --inputs x.npy --output y.npz")
        .failed(&["`x.npy`", "2 inputs"]);
    folder
        .run("evaluate m.keras --data x.npy")
        .failed(&["`x.npy`", "y0"]);

    let evaluate = |arrays: &[(&str, &refrain::Literal)]| {
        folder.write_arrays("d.npz", arrays);
        folder.run("evaluate m.keras --data d.npz")
    };
    evaluate(&[("x0", &left), ("x1", &right)]).failed(&[
        "`d.npz`",
        "no array `y0`",
        "`same`",
        "holds `x0`, `x1`",
    ]);
    evaluate(&[("x0", &left), ("x1", &right), ("y0", &y), ("y1", &y)])
        .failed(&["`y1` has no place"]);
    let short = numbers(&[5, 4], 1);
    evaluate(&[("x0", &left), ("x1", &short), ("y0", &y)]).failed(&[
        "`d.npz`",
        "same number of samples",
        "6",
        "5",
    ]);
    evaluate(&[("x0", &left), ("x1", &right), ("y0", &labels(7))]).failed(&["`d.npz`", "6", "7"]);
    let wide = numbers(&[6, 5], 1);
    evaluate(&[("x0", &wide), ("x1", &right), ("y0", &y)]).failed(&[
        "`d.npz`",
        "`left`",
        "(None, 4)",
        "(6, 5)",
    ]);
}

#[test]
fn nothing_is_written_if_it_fails() {
    let folder = Folder::new("whole");
    folder.save("m.keras", siamese());
    write(folder.path("y.npz"), "old").unwrap();
    write(folder.path("x.npz"), "no archive").unwrap();
    folder
        .run("predict m.keras --inputs x.npz --output y.npz")
        .failed(&["`x.npz`", "neither"]);
    assert_eq!(read(folder.path("y.npz")).unwrap(), b"old");
    write_pairs(&folder, "d.npz", 8);
    let line =
        "fit m.keras --data d.npz --epochs 1 --batch-size 8 --optimizer sgd --loss mse --quiet";
    folder
        .run(&format!("{line} --output none/out.keras"))
        .failed(&["`none`"]);
    folder
        .run(&format!("{line} --output out.keras --history none/h.json"))
        .failed(&["`none`"]);
    for name in ["out.keras", "./m.keras", "d.npz"] {
        folder
            .run(&format!("{line} --output out.keras --history {name}"))
            .failed(&["history would overwrite", "another name"]);
    }
    folder
        .run(&format!("{line} --output x.npz/out.keras"))
        .failed(&["x.npz/out.keras", "no folder `x.npz`, which is a file"]);
    folder
        .run("summary .")
        .failed(&["`.` is a folder without a model"]);
    if cfg!(target_os = "linux") {
        let line = line.replace(" --quiet", "");
        folder
            .run(&format!("{line} --output /proc/out.keras"))
            .failed(&["/proc/out.keras"]);
    }
    assert_eq!(folder.files(), ["d.npz", "m.keras", "x.npz", "y.npz"]);
}
