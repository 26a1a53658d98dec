//! Bad input while a model is declared.

use refrain::clear_session;
use refrain::layers::*;
use refrain::{
    DType, ErrorKind, Input, Inputs, Model, Result, Sequential, Structure, Tensor, input, ops,
};

use crate::refused;

#[test]
fn a_shared_layer_refuses_another_width() -> Result<()> {
    clear_session();
    let shared = Dense::new(32);
    shared.call(input([10]))?;
    let error = shared.call(input([15])).expect_err("another width");
    assert_eq!(
        error.to_string(),
        "layer `dense` (Dense), call 2: expected the last axis to have size 10, got shape (None, 15). Its weights were \
         built for 10 at call 1. Give each input its own Dense to bring both to one width, or use two layers."
    );
    assert_eq!(
        (error.kind(), error.layer(), error.call()),
        (ErrorKind::Shape, Some("dense"), Some(2))
    );
    assert_eq!(error.expected(), Some("the last axis to have size 10"));
    assert_eq!(error.received(), Some("shape (None, 15)"));
    // The failed call leaves no trace.
    assert_eq!(shared.any().calls(), 1);
    shared.call(input([10]))?;
    Ok(())
}

#[test]
fn probe() -> Result<()> {
    clear_session();
    let x = input([4]);
    let seq = input([5, 3]);
    let show = |name: &str, r: Result<()>| {
        println!(
            "{name}: {}",
            r.map_or_else(|e| format!("{:?} {e}", e.kind()), |_| "OK".to_owned())
        )
    };
    show("conv rank", Conv2D::new(3, 3).call(&x).map(drop));
    show("lstm rank", Lstm::new(3).call(&x).map(drop));
    show(
        "embedding of scalar",
        Dense::new(3).call(input([0; 0])).map(drop),
    );
    show("bn rank", {
        let b = BatchNormalization::new();
        b.call(&x)?;
        b.call(&seq).map(drop)
    });
    show("lstm width", {
        let b = Lstm::new(3);
        b.call(&seq)?;
        b.call(input([5, 4])).map(drop)
    });
    show("conv width", {
        let b = Conv1D::new(3, 2);
        b.call(&seq)?;
        b.call(input([5, 4])).map(drop)
    });
    show("initial state width", {
        let b = Lstm::new(3);
        b.call(Inputs::new(&seq).kwarg("initial_state", [&x, &x]))
            .map(drop)
    });
    show("initial state count", {
        let b = Lstm::new(3);
        b.call(Inputs::new(&seq).kwarg("initial_state", [&x]))
            .map(drop)
    });
    show("dense two", Dense::new(3).call([&x, &x]).map(drop));
    show(
        "subtract three",
        Subtract::new().call([&x, &x, &x]).map(drop),
    );
    show("add one bare", Add::new().call(&x).map(drop));
    show("add shapes", Add::new().call([&x, &input([5])]).map(drop));
    show(
        "concat shapes",
        Concatenate::new()
            .call([&input([5, 3]), &input([6, 3])])
            .map(drop),
    );
    show(
        "dot shapes",
        Dot::new(1).call([&input([5]), &input([6])]).map(drop),
    );
    show("none", Dense::new(3).call(Vec::<Tensor>::new()).map(drop));
    show("unknown width", Dense::new(3).call(input([None])).map(drop));
    show(
        "bool dense",
        Dense::new(3)
            .call(Input::new([3]).dtype(DType::Bool).tensor())
            .map(drop),
    );
    show(
        "int layer",
        Dense::new(3).dtype(DType::I32).call(&x).map(drop),
    );
    show(
        "bool op",
        (&x + &Input::new([4]).dtype(DType::Bool).tensor()).check(),
    );
    show(
        "int op",
        (&x + &Input::new([4]).dtype(DType::I32).tensor()).check(),
    );
    show(
        "mask dtype",
        Lstm::new(3)
            .call(Inputs::new(&seq).kwarg("mask", &input([5])))
            .map(drop),
    );
    show(
        "mask shape",
        Lstm::new(3)
            .call(Inputs::new(&seq).kwarg("mask", &Input::new([6]).dtype(DType::Bool).tensor()))
            .map(drop),
    );
    show(
        "attention mask",
        MultiHeadAttention::new(2, 3)
            .call(
                Inputs::new(&seq)
                    .arg(&seq)
                    .kwarg("attention_mask", &input([5, 6])),
            )
            .map(drop),
    );
    show(
        "mha one",
        MultiHeadAttention::new(2, 3).call(&seq).map(drop),
    );
    show("logical", ops::logical_and(&x, &x).check());
    show(
        "matmul",
        ops::matmul(&input([5, 3]), &input([4, 3])).check(),
    );
    show("reshape", Reshape::new([5]).call(&x).map(drop));
    show("units 0", Dense::new(0).call(&x).map(drop));
    show(
        "conv too small",
        Conv2D::new(3, 5).call(input([3, 3, 1])).map(drop),
    );
    show(
        "groups",
        Conv2D::new(4, 1)
            .groups(3usize)
            .call(input([3, 3, 3]))
            .map(drop),
    );
    show("dropout", Dropout::new(1.5).call(&x).map(drop));
    show("huge", Dense::new(usize::MAX).call(&x).map(drop));
    show("permute", Permute::new([1, 3]).call(&seq).map(drop));
    show("name", Dense::new(1).name("a/b").call(&x).map(drop));
    show(
        "bidirectional dense",
        Bidirectional::new(Dense::new(2)).call(&seq).map(drop),
    );
    show(
        "time distributed",
        TimeDistributed::new(Dense::new(2)).call(&x).map(drop),
    );
    show(
        "lambda fails",
        Lambda::new(|x| x + &input([7])).call(&x).map(drop),
    );
    show("embedding", Embedding::new(0, 2).call(&x).map(drop));
    show("stateful", Lstm::new(2).stateful(true).call(&seq).map(drop));
    let y = Dense::new(2).name("head").call(&x)?;
    let other = Dense::new(2).name("head").call(&y)?;
    show("disconnected", Model::new(&input([4]), &y).map(drop));
    show("duplicate", Model::new(&x, &other).map(drop));
    show("no inputs", Model::new(Vec::<Tensor>::new(), &y).map(drop));
    show("no outputs", Model::new(&x, Vec::<Tensor>::new()).map(drop));
    show(
        "error tensor",
        Model::new(&x, &(&y + &input([7]))).map(drop),
    );
    show(
        "error in call",
        Dense::new(1).call(&y + &input([7])).map(drop),
    );
    show("model name", Model::with_name("a/b", &x, &y).map(drop));
    let (a, b) = (
        Input::new([4]).name("a").tensor(),
        Input::new([3]).name("b").tensor(),
    );
    let two = Model::new(
        [&a, &b],
        &Dense::new(1).call(ops::concatenate([&a, &b], -1))?,
    )?;
    show("model one of two", two.call(&a).map(drop));
    show("model three", two.call([&a, &b, &b]).map(drop));
    show("model width", two.call([&b, &a]).map(drop));
    show("model dict", two.call([("a", &a)]).map(drop));
    show("get_layer", two.get_layer("zz").map(drop));
    show("get_layer_at", two.get_layer_at(10).map(drop));
    show(
        "same inputs",
        Model::new([&a, &a], &Dense::new(1).call(&a)?).map(drop),
    );
    show(
        "sequential",
        Sequential::new([4])
            .add(Dense::new(3))
            .add(Conv2D::new(2, 2))
            .build()
            .map(drop),
    );
    show(
        "sequential name",
        Sequential::new([4])
            .name("a/b")
            .add(Dense::new(3))
            .build()
            .map(drop),
    );
    show("lambda symbolic", {
        let leaked = x.clone();
        Lambda::new(move |t| t + &leaked).call(&x).map(drop)
    });
    show("split", {
        let m = Model::new(&x, [&y, &x])?;
        m.call(&x).map(drop)
    });
    let _ = (Structure::Leaf(1), refused::<()>);
    show("unused", Ok(()));
    Ok(())
}
