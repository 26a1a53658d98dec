//! Branches, loops and functions of functions inside of calls: their numbers and gradients, and what they refuse.

use ndarray::{Array2, ArrayD, array};
use refrain::layers::Lambda;
use refrain::ops::{self, Axes};
use refrain::training::GradientFunction;
use refrain::{Error, Input, Model, Result, Tensor, input};

type Inside = fn(&Tensor) -> Result<Tensor>;

fn total(x: &Tensor) -> Tensor {
    ops::sum(x, Axes::All, false)
}

/// What a function inside of a call gives, and the gradients of the sum of it.
fn run(function: Inside, x: &Array2<f32>) -> Result<(ArrayD<f32>, ArrayD<f32>)> {
    let symbol = input([x.ncols()]);
    let invalid = |e: Error| panic!("{e}");
    let y = Lambda::new(move |x| function(x).unwrap_or_else(invalid)).call(&symbol)?;
    let model = Model::new(&symbol, &y)?;
    let gradients = GradientFunction::new(model.input(), &total(&y), vec![symbol])?;
    let found = gradients.run(x)?.get(0)?.to_owned();
    Ok((
        model.predict_on_batch(x)?.into_array()?.into_dyn(),
        found.into_dyn(),
    ))
}

fn check(function: Inside, x: Array2<f32>, value: &[f32], gradient: &[f32]) -> Result<()> {
    let (y, dx) = run(function, &x)?;
    let near = |a: &ArrayD<f32>, b: &[f32]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
    };
    assert!(near(&y, value), "{y:?}, not {value:?}");
    assert!(near(&dx, gradient), "{dx:?}, not {gradient:?}");
    Ok(())
}

fn first(found: Result<Vec<Tensor>>) -> Result<Tensor> {
    found.map(|mut found| found.swap_remove(0))
}

#[test]
fn a_loop_ends_when_its_condition_does_not_hold() -> Result<()> {
    let halved: Inside = |x| {
        let large = |x: &[Tensor]| ops::greater(ops::max(&x[0], Axes::All, false), 1).checked();
        first(ops::while_loop(
            large,
            |x| Ok(vec![&x[0] / 2]),
            std::slice::from_ref(x),
            10,
        ))
    };
    check(halved, array![[5.0, 1.0]], &[0.625, 0.125], &[0.125, 0.125])?;
    check(halved, array![[0.5, 1.0]], &[0.5, 1.0], &[1.0, 1.0])?;
    // It has no more steps.
    check(
        halved,
        array![[2048.0, 1.0]],
        &[2.0, 1.0 / 1024.0],
        &[1.0 / 1024.0; 2],
    )
}

#[test]
fn a_loop_over_numbers_counts() -> Result<()> {
    let sums: Inside = |x| {
        let step = |i: &Tensor, sum: &[Tensor]| Ok(vec![&sum[0] * x + ops::cast(i, x.dtype())]);
        first(ops::fori_loop(2, 4, step, std::slice::from_ref(x)))
    };
    // (x² + 2) x + 3
    check(sums, array![[2.0, -1.0]], &[15.0, 0.0], &[14.0, 5.0])?;
    let none: Inside = |x| {
        first(ops::fori_loop(
            3,
            3,
            |_, x| Ok(x.to_vec()),
            std::slice::from_ref(x),
        ))
    };
    check(none, array![[2.0]], &[2.0], &[1.0])
}

#[test]
fn a_function_of_rows_is_mapped() -> Result<()> {
    for vectorized in [false, true] {
        let mapped: Inside = match vectorized {
            true => |x| {
                first(ops::vectorized_map(
                    |row| Ok(vec![total(&row[0].square())]),
                    std::slice::from_ref(x),
                ))
            },
            false => |x| {
                first(ops::map(
                    |row| Ok(vec![total(&row[0].square())]),
                    std::slice::from_ref(x),
                ))
            },
        };
        check(
            mapped,
            array![[1.0, 2.0], [3.0, 0.0]],
            &[5.0, 9.0],
            &[2.0, 4.0, 6.0, 0.0],
        )?;
    }
    Ok(())
}

#[test]
fn branches_are_chosen() -> Result<()> {
    let branch: Inside = |x| {
        let large = ops::greater(total(x), 1);
        first(ops::cond(
            &large,
            || Ok(vec![x * 2]),
            || Ok(vec![x.square()]),
        ))
    };
    check(branch, array![[2.0, 3.0]], &[4.0, 6.0], &[2.0, 2.0])?;
    check(branch, array![[-2.0, 3.0]], &[4.0, 9.0], &[-4.0, 6.0])?;
    let switched: Inside = |x| {
        let index = ops::cast(total(x), refrain::DType::I32);
        let (one, two) = (
            |x: &[Tensor]| Ok(vec![&x[0] * 2]),
            |x: &[Tensor]| Ok(vec![x[0].square()]),
        );
        first(ops::switch(&index, &[&one, &two], std::slice::from_ref(x)))
    };
    for (x, value) in [(-7.0, -14.0), (0.5, 1.0), (1.5, 2.25), (9.0, 81.0)] {
        let slope = if x < 1.0 { 2.0 } else { 2.0 * x };
        check(switched, array![[x]], &[value], &[slope])?;
    }
    Ok(())
}

#[test]
fn an_associative_function_runs_along_an_axis() -> Result<()> {
    for length in 1..=9 {
        let x = Array2::from_shape_fn((2, length), |(i, j)| ((3 * i + j) as f32).sin());
        let symbol = input([length]);
        let add = |a: &[Tensor], b: &[Tensor]| Ok(vec![&a[0] + &b[0]]);
        let sums = |reverse| {
            first(ops::associative_scan(
                &add,
                std::slice::from_ref(&symbol),
                reverse,
                -1,
            ))
        };
        let model = Model::new(&symbol, [&sums(false)?, &sums(true)?])?;
        let found = model.predict_on_batch(&x)?;
        for (i, row) in x.rows().into_iter().enumerate() {
            for j in 0..length {
                let near = |part: usize, wanted: f32| -> Result<bool> {
                    let found = found.literal(part)?.to_f64()[i * length + j] as f32;
                    Ok((found - wanted).abs() < 1e-5)
                };
                assert!(near(0, row.iter().take(j + 1).sum())?, "{length}: {i}, {j}");
                assert!(
                    near(1, row.iter().skip(j).sum())?,
                    "{length}: {i}, {j} from the end"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_function_changes_along_tangents() -> Result<()> {
    let along: Inside = |x| {
        let tangent = ops::ones_like(x, None) * 2;
        let product = |x: &[Tensor]| (x[0].square() * total(&x[0])).checked();
        Ok(ops::jvp(product, std::slice::from_ref(x), &[tangent])?.1)
    };
    // Of x² (x + y) and y² (x + y) along 2 and 2.
    let (x, y) = (1.0, 3.0);
    let slopes = [x, y].map(|x_i: f32| 4.0 * x_i * (x + y) + 4.0 * x_i * x_i);
    check(
        along,
        array![[x, y]],
        &slopes,
        &[16.0 * x + 8.0 * y, 16.0 * y + 8.0 * x],
    )
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = Input::new([4]).batch_size(2).tensor();
    let one = |x: &Tensor| Ok(vec![x.clone()]);
    let scalar = ops::greater(total(&x), 0);
    assert!(ops::cond(&x, || one(&x), || one(&x)).is_err());
    assert!(ops::cond(&scalar, || one(&x), || one(&total(&x))).is_err());
    assert!(ops::cond(&scalar, || one(&x), || Ok(vec![])).is_err());
    assert!(ops::switch(&ops::cast(&scalar, refrain::DType::I32), &[], &[]).is_err());
    let open = input([4]);
    let add = |a: &[Tensor], b: &[Tensor]| Ok(vec![&a[0] + &b[0]]);
    assert!(ops::associative_scan(&add, std::slice::from_ref(&open), false, 0).is_err());
    assert!(ops::associative_scan(&add, std::slice::from_ref(&open), false, 5).is_err());
    assert!(ops::associative_scan(&add, &[open, x], false, 1).is_ok());
}
