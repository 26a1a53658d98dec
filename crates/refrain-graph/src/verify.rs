//! The verifier: what holds in every sound graph.
//!
//! 1. A node's inputs are parameters or outputs of earlier nodes.
//! 2. A node fits its inputs, and its outputs have the specs that [`infer`](infer::infer) finds.
//! 3. The body of a scan is itself a sound graph, without variables and without updates.
//! 4. Results and updates speak of values of the graph.
//! 5. An update's target is a variable, its new value has the variable's spec, and no variable has two updates.

use std::collections::HashSet;

use cranelift_entity::EntityRef;

use crate::{Graph, GraphError, Node, Op, ParamKind, Spec, Value, ValueDef, infer};

/// Checks every invariant of this module; the error names the first node that breaks one.
pub fn verify(graph: &Graph) -> Result<(), GraphError> {
    violations(graph).next().map_or(Ok(()), Err)
}

/// Every violation: of nodes (at most one each, in order), of results, of updates.
pub fn violations(graph: &Graph) -> impl Iterator<Item = GraphError> + '_ {
    let nodes = graph
        .nodes()
        .filter_map(|node| Some(verify_node(graph, node).err()?.at(node)));
    let results = graph
        .results()
        .iter()
        .enumerate()
        .filter_map(|(i, &value)| {
            let message = exists(graph, value).err()?;
            Some(GraphError::new(format!("result {i}: {message}")))
        });
    let mut updated = HashSet::new();
    let updates = graph.updates().iter().filter_map(move |&(variable, new)| {
        let again = !updated.insert(variable);
        let message = match verify_update(graph, variable, new) {
            Err(message) => message,
            Ok(()) if again => "expected at most one update, got a second".into(),
            Ok(()) => return None,
        };
        Some(GraphError::new(format!("update of {variable}: {message}")))
    });
    nodes.chain(results).chain(updates)
}

fn verify_node(graph: &Graph, node: Node) -> Result<(), GraphError> {
    let op = graph.op(node);
    let refuse = |message: String| GraphError::op(op.name(), message);
    for &input in graph.inputs(node) {
        exists(graph, input).map_err(refuse)?;
        if let ValueDef::Node(by, _) = graph.def(input)
            && by >= node
        {
            return Err(refuse(format!(
                "expected inputs made by earlier nodes, got {input}, which {by} makes"
            )));
        }
    }
    if let Op::Scan(scan) = op {
        verify(&scan.body).map_err(|error| refuse(format!("in the body: {error}")))?;
    }
    let inputs: Vec<&Spec> = graph.inputs(node).iter().map(|&v| graph.spec(v)).collect();
    let inferred = infer::infer(op, &inputs)?;
    let stored: Vec<&Spec> = graph.outputs(node).iter().map(|&v| graph.spec(v)).collect();
    if !inferred.iter().eq(stored.iter().copied()) {
        return Err(refuse(format!(
            "expected results {}, got {}",
            list(inferred.iter()),
            list(stored.into_iter())
        )));
    }
    Ok(())
}

fn verify_update(graph: &Graph, variable: Value, new: Value) -> Result<(), String> {
    exists(graph, variable)?;
    exists(graph, new)?;
    let mut params = graph.params();
    let is_variable = |(value, kind, _)| value == variable && kind == ParamKind::Variable;
    if !params.any(is_variable) {
        return Err(format!("expected a variable, got {variable}"));
    }
    let (expected, got) = (graph.spec(variable), graph.spec(new));
    if expected != got {
        return Err(format!("expected a value {expected}, got {got}"));
    }
    Ok(())
}

fn exists(graph: &Graph, value: Value) -> Result<(), String> {
    let values = graph.num_values();
    if value.index() < values {
        return Ok(());
    }
    Err(format!(
        "expected one of the graph's {values} values, got {value}"
    ))
}

fn list<'a>(specs: impl Iterator<Item = &'a Spec>) -> String {
    let specs: Vec<String> = specs.map(Spec::to_string).collect();
    format!("({})", specs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, UnaryOp};

    fn graph_with(values: usize) -> (Graph, Vec<Value>) {
        let mut graph = Graph::new();
        let values = (0..values)
            .map(|i| graph.input(format!("x{i}"), Spec::new([2], DType::F32)))
            .collect();
        (graph, values)
    }

    #[test]
    fn values_of_another_graph_are_found() {
        let (_, foreign) = graph_with(3);
        let (mut graph, own) = graph_with(1);
        graph.result(own[0]);
        assert_eq!(verify(&graph), Ok(()));

        let mut result = graph.clone();
        result.result(foreign[2]);
        let message = verify(&result).unwrap_err().to_string();
        assert_eq!(
            message,
            "result 1: expected one of the graph's 1 values, got %2"
        );

        let mut update = graph.clone();
        update.update(own[0], foreign[2]);
        let message = verify(&update).unwrap_err().to_string();
        assert!(
            message.starts_with("update of %0: expected one of"),
            "{message}"
        );

        let spec = graph.spec(own[0]).clone();
        graph.push_unchecked(Op::Unary(UnaryOp::Tanh), &[foreign[2]], vec![spec]);
        let error = verify(&graph).unwrap_err();
        assert_eq!(error.node, graph.nodes().next());
        assert_eq!(error.op, Some("tanh"));
    }

    #[test]
    fn a_missing_output_is_found() {
        let (mut graph, own) = graph_with(1);
        let sort = Op::Sort {
            dim: 0,
            descending: false,
        };
        let spec = graph.spec(own[0]).clone();
        graph.push_unchecked(sort, &own, vec![spec]);
        let message = verify(&graph).unwrap_err().to_string();
        assert_eq!(
            message,
            "n0 (sort): expected results (f32[2], i32[2]), got (f32[2])"
        );
    }
}
