use crate::numeric::{check_op, op_text};

#[test]
fn gather() {
    // Indices reach beyond the table on both sides: they are clamped.
    check_op(
        &[("t", "f64[5,3]"), ("i -2 8", "i32[2,4]")],
        "gather %t, %i {offset_dims=[2], collapsed_slice_dims=[0], start_index_map=[0], index_vector_dim=2, slice_sizes=[1,3]} : f64[2,4,3]",
    );
    check_op(
        &[("t", "f64[5,3]"), ("i -2 8", "i64[2,4]")],
        "gather %t, %i {offset_dims=[0,2], collapsed_slice_dims=[], start_index_map=[0], index_vector_dim=2, slice_sizes=[3,2]} : f64[3,2,2,4]",
    );
    check_op(
        &[("t", "f64[5,3]"), ("i 0 3", "u32[4,2]")],
        "gather %t, %i {offset_dims=[], collapsed_slice_dims=[0,1], start_index_map=[1,0], index_vector_dim=1, slice_sizes=[1,1]} : f64[4]",
    );
}

#[test]
fn scatter() {
    for kind in ["add", "set"] {
        // Several updates go to one place, some go outside.
        check_op(
            &[("t", "f64[4,3]"), ("i -1 5", "i32[6]"), ("u", "f64[6,3]")],
            &format!(
                "scatter %t, %i, %u {{kind={kind}, update_window_dims=[1], inserted_window_dims=[0], scatter_dims_to_operand_dims=[0], index_vector_dim=1}} : f64[4,3]"
            ),
        );
        check_op(
            &[
                ("t", "f64[4,3]"),
                ("i -2 4", "i32[3,2]"),
                ("u", "f64[3,2,2]"),
            ],
            &format!(
                "scatter %t, %i, %u {{kind={kind}, update_window_dims=[1,2], inserted_window_dims=[], scatter_dims_to_operand_dims=[1,0], index_vector_dim=1}} : f64[4,3]"
            ),
        );
    }
}

#[test]
fn other_scatters_say_that_they_have_no_gradient() {
    let text = op_text(
        &[("t", "f64[4]"), ("i 0 4", "i32[3]"), ("u", "f64[3]")],
        "scatter %t, %i, %u {kind=multiply, update_window_dims=[], inserted_window_dims=[0], scatter_dims_to_operand_dims=[0], index_vector_dim=1} : f64[4]",
    );
    let mut graph: refrain_graph::Graph = text.parse().unwrap();
    let output = crate::numeric::weighted_sum(&mut graph, &mut crate::numeric::Random(1));
    let wrt: Vec<_> = graph.params().map(|(v, ..)| v).take(1).collect();
    let error = refrain_graph::grad::gradients(&mut graph, output, &wrt).unwrap_err();
    assert_eq!(error.op, Some("scatter"));
}
