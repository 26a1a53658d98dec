//! A program being made: what traced tensors belong to.

use std::collections::HashMap;
use std::mem::replace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refrain_graph::{DType, Graph, Literal, Op, ParamKind, Scope, Spec, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::ops::prim;
use crate::tensor::{Tensor, TensorKey};
use crate::variable::{Variable, VariableId};

/// A handle on a program being made. Inside a `scan` body it has the surrounding program as its parent, and values of
/// the parent that the body uses become constants of the scan by themselves.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Shared>);

struct Shared {
    parent: Option<Trace>,
    depth: usize,
    /// What the layers are told now: fitting or not.
    training: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    graph: Graph,
    /// Parent values used here, with the parameters that stand for them.
    captures: Vec<(Value, Value)>,
    variables: Vec<Slot>,
    variable_index: HashMap<VariableId, usize>,
    losses: Vec<Value>,
    scopes: HashMap<String, Scope>,
    /// Names of the layers being called, outermost first.
    layers: Vec<String>,
    indices: Vec<Indices>,
    /// Tensors of declared graphs that are waited for, with the values that calls give them; `None` in a loop.
    watched: HashMap<TensorKey, Vec<Option<Value>>>,
    /// Values that tensors have for themselves alone, with those that they are the same as.
    own: HashMap<Value, Value>,
    /// Masks that calls hung on values, or took off them: Keras's tensors are objects that calls share.
    masks: HashMap<Value, Option<Value>>,
    penalties: Penalties,
    /// What layers have made for all steps of the sequence that a loop runs over now.
    sequence: Option<HashMap<(usize, String), Vec<Tensor>>>,
}

/// How penalties of outputs are added.
#[derive(Clone, Copy)]
pub(crate) struct Penalties {
    /// Whether the layer that is entered next adds its own.
    pub(crate) own: bool,
    /// Steps that stand in the batch, each of which Keras calls for itself.
    pub(crate) steps: usize,
}

impl Default for Penalties {
    fn default() -> Self {
        Penalties {
            own: true,
            steps: 1,
        }
    }
}

/// Inputs of a program that are indices, and which layer says so.
#[derive(Clone, Debug)]
pub(crate) struct Indices {
    pub(crate) value: Value,
    /// All indices are below it.
    pub(crate) size: usize,
    pub(crate) layer: String,
    pub(crate) class: String,
    pub(crate) call: Option<usize>,
}

/// A variable that the program uses.
struct Slot {
    variable: Variable,
    param: Value,
    current: Value,
}

/// A finished program.
pub(crate) struct Traced {
    pub(crate) graph: Graph,
    /// The variables in the order of the graph's variable parameters.
    pub(crate) variables: Vec<Variable>,
    /// Those that are inputs of the program, each with its position among the inputs.
    pub(crate) indices: Vec<(usize, Indices)>,
}

impl Trace {
    pub(crate) fn new(training: bool) -> Self {
        Trace(Arc::new(Shared {
            parent: None,
            depth: 0,
            training: training.into(),
            state: Mutex::default(),
        }))
    }

    /// A trace for the body of a loop in this one.
    pub(crate) fn child(&self) -> Self {
        let layers = self.lock().layers.clone();
        Trace(Arc::new(Shared {
            parent: Some(self.clone()),
            depth: self.0.depth + 1,
            training: self.training().into(),
            state: Mutex::new(State {
                layers,
                ..State::default()
            }),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn same(&self, other: &Trace) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn training(&self) -> bool {
        self.0.training.load(Ordering::Relaxed)
    }

    /// The outermost trace.
    fn root(&self) -> &Trace {
        let mut root = self;
        while let Some(parent) = &root.0.parent {
            root = parent;
        }
        root
    }

    /// Waits for the values of a tensor of a graph that is lowered here, or in a loop of it.
    pub(crate) fn watch(&self, tensor: TensorKey) {
        self.root().lock().watched.entry(tensor).or_default();
    }

    /// Says which value a tensor of a declared graph has got. One that is watched gets a value of its own: a value that other
    /// tensors have too has their influence.
    pub(crate) fn note(&self, key: TensorKey, tensor: Tensor) -> Result<Tensor> {
        let root = self.root();
        if !root.lock().watched.contains_key(&key) {
            return Ok(tensor);
        }
        let tensor = match tensor.as_traced() {
            Some(traced) => traced.trace.own(&tensor)?,
            None => tensor,
        };
        let traced = tensor.as_traced().filter(|t| t.trace.same(root));
        let value = traced.map(|t| t.value);
        root.lock().watched.entry(key).or_default().push(value);
        Ok(tensor)
    }

    /// The same tensor of this trace as a value that no other tensor has.
    fn own(&self, tensor: &Tensor) -> Result<Tensor> {
        let own = prim::copy(tensor)?;
        let values = own.as_traced().zip(tensor.as_traced());
        if let Some((own, tensor)) = values {
            let mut state = self.lock();
            let original = state.original(tensor.value);
            state.own.insert(own.value, original);
        }
        Ok(own.with_mask(tensor.mask()))
    }

    /// The values that a watched tensor has got.
    pub(crate) fn noted(&self, key: TensorKey) -> Vec<Option<Value>> {
        let found = self.lock().watched.get(&key).cloned();
        found.unwrap_or_default()
    }

    /// Hangs the mask that a value of this trace has on it, or takes it off: calls made later see that.
    pub(crate) fn hang_mask(&self, value: Value, mask: Option<Value>) {
        let mut state = self.lock();
        let original = state.original(value);
        state.masks.insert(original, mask);
    }

    /// What hangs on a value of this trace, if a call has hung or taken off a mask.
    pub(crate) fn hung_mask(&self, value: Value) -> Option<Option<Tensor>> {
        let state = self.lock();
        let mask = state.masks.get(&state.original(value)).copied();
        drop(state);
        mask.map(|mask| mask.map(|mask| self.wrap(mask)))
    }

    pub(crate) fn penalties(&self) -> Penalties {
        self.lock().penalties
    }

    /// Runs `f` with penalties of outputs added in this way.
    pub(crate) fn with_penalties<T>(&self, penalties: Penalties, f: impl FnOnce() -> T) -> T {
        let outer = replace(&mut self.lock().penalties, penalties);
        let result = f();
        self.lock().penalties = outer;
        result
    }

    /// Runs a loop over a sequence, whose steps share what is made for all of them.
    pub(crate) fn in_sequence<T>(&self, run: impl FnOnce() -> T) -> T {
        let outer = self.lock().sequence.replace(HashMap::new());
        let result = run();
        self.lock().sequence = outer;
        result
    }

    /// The program outside of the loop over the steps of a sequence, if this is inside of one.
    pub(crate) fn around_steps(&self) -> Option<Trace> {
        let mut found = self;
        while found.lock().sequence.is_none() {
            found = found.0.parent.as_ref()?;
        }
        Some(found.clone())
    }

    /// What a layer has made for all steps under a name, made now if it is not there.
    pub(crate) fn in_all_steps(
        &self,
        key: (usize, String),
        make: impl FnOnce() -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        let made = self
            .lock()
            .sequence
            .as_ref()
            .and_then(|s| s.get(&key).cloned());
        if let Some(made) = made {
            return Ok(made);
        }
        let made = make()?;
        if let Some(sequence) = &mut self.lock().sequence {
            sequence.insert(key, made.clone());
        }
        Ok(made)
    }

    /// Tells the layers called from here on whether they are fitted.
    pub(crate) fn set_training(&self, training: bool) {
        self.0.training.store(training, Ordering::Relaxed);
    }

    fn tensor(&self, value: Value, spec: Spec) -> Tensor {
        Tensor::traced(self.clone(), value, spec)
    }

    /// Runs `f` on the graph itself (gradients, results, updates).
    pub(crate) fn with_graph<T>(&self, f: impl FnOnce(&mut Graph) -> T) -> T {
        f(&mut self.lock().graph)
    }

    /// Wraps a value of this trace's graph.
    pub(crate) fn wrap(&self, value: Value) -> Tensor {
        let spec = self.lock().graph.spec(value).clone();
        self.tensor(value, spec)
    }

    pub(crate) fn input(&self, name: &str, spec: Spec) -> Tensor {
        let value = self.lock().graph.input(name, spec.clone());
        self.tensor(value, spec)
    }

    /// A constant of this program.
    pub(crate) fn constant(&self, literal: Literal) -> Tensor {
        let spec = literal.spec();
        let pushed = self.push(Op::Constant(Arc::new(literal)), &[]);
        Tensor::from_result(pushed.map(|v| self.tensor(v, spec)))
    }

    /// The arguments of a call with their constants as values of this program. Constants of `f64` have the width of the
    /// floats that the call computes with, as JAX's have.
    pub(crate) fn place(&self, inputs: &Inputs) -> Result<Inputs> {
        let wide = inputs.tensors().iter().any(|t| t.dtype() == DType::F64);
        inputs.map_constants(|literal| {
            let constant = match (literal.dtype(), wide) {
                (DType::F64, false) => literal.convert(DType::F32),
                _ => literal.clone(),
            };
            self.constant(constant).checked()
        })
    }

    fn push(&self, op: Op, inputs: &[Value]) -> Result<Value> {
        Ok(self.lock().graph.push(op, inputs)?)
    }

    /// Adds a primitive with one output. The inputs may belong to this trace or to surrounding ones.
    pub(crate) fn apply(op: Op, inputs: &[&Tensor]) -> Result<Tensor> {
        let mut outputs = Trace::apply_multi(op, inputs)?;
        Ok(outputs.swap_remove(0))
    }

    /// Adds a primitive. The inputs may belong to one trace or to surrounding ones; it goes into the innermost.
    pub(crate) fn apply_multi(op: Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let trace = Trace::innermost(inputs)?;
        let values = inputs
            .iter()
            .map(|t| trace.import(t))
            .collect::<Result<Vec<_>>>()?;
        trace.emit(op, &values)
    }

    /// Adds a primitive on this trace's own values.
    pub(crate) fn emit(&self, op: Op, inputs: &[Value]) -> Result<Vec<Tensor>> {
        let mut state = self.lock();
        let node = state.graph.push_multi(op, inputs)?;
        let outputs = state.graph.outputs(node).to_vec();
        let specs: Vec<Spec> = outputs
            .iter()
            .map(|&v| state.graph.spec(v).clone())
            .collect();
        drop(state);
        Ok(outputs
            .into_iter()
            .zip(specs)
            .map(|(v, s)| self.tensor(v, s))
            .collect())
    }

    /// The innermost trace among the tensors'.
    pub(crate) fn innermost(tensors: &[&Tensor]) -> Result<Trace> {
        let mut found: Option<Trace> = None;
        for t in tensors {
            let trace = &t.expect_traced()?.trace;
            if found.as_ref().is_none_or(|f| trace.0.depth > f.0.depth) {
                found = Some(trace.clone());
            }
        }
        found.ok_or_else(|| Error::new(ErrorKind::Internal, "a primitive without input tensors"))
    }

    /// The value that stands for a tensor in this trace.
    pub(crate) fn import(&self, tensor: &Tensor) -> Result<Value> {
        let traced = tensor.expect_traced()?;
        if traced.trace.same(self) {
            return Ok(traced.value);
        }
        let Some(parent) = &self.0.parent else {
            return Err(Error::new(
                ErrorKind::Symbolic,
                "a tensor of one `call` was used in another; a layer must not keep tensors between calls",
            ));
        };
        let outer = parent.import(tensor)?;
        let mut state = self.lock();
        if let Some(&(_, param)) = state.captures.iter().find(|(v, _)| *v == outer) {
            return Ok(param);
        }
        let name = format!("capture_{}", state.captures.len());
        let param = state.graph.input(name, traced.spec.clone());
        state.captures.push((outer, param));
        Ok(param)
    }

    /// The parent's values that this loop body uses, in the order of their parameters.
    pub(crate) fn captures(&self) -> Vec<Value> {
        self.lock().captures.iter().map(|(v, _)| *v).collect()
    }

    /// The present value of a variable in this program.
    pub(crate) fn variable(&self, variable: &Variable) -> Result<Tensor> {
        if let Some(parent) = &self.0.parent {
            let outer = parent.variable(variable)?;
            let value = self.import(&outer)?;
            return Ok(self.tensor(value, variable.spec().clone()));
        }
        let mut state = self.lock();
        let index = state.slot(variable);
        let value = state.variables[index].current;
        drop(state);
        Ok(self.tensor(value, variable.spec().clone()))
    }

    /// The parameter that stands for a variable's value before the run.
    pub(crate) fn variable_param(&self, variable: &Variable) -> Value {
        let mut state = self.lock();
        let index = state.slot(variable);
        state.variables[index].param
    }

    /// Gives a variable a new value, seen by whatever reads it later in this program and kept after the run.
    pub(crate) fn assign(&self, variable: &Variable, value: &Tensor) -> Result<()> {
        if self.0.parent.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a variable cannot be changed inside the steps of a loop; change it before or after",
            ));
        }
        let value = self.import(value)?;
        let mut state = self.lock();
        let spec = state.graph.spec(value).clone();
        if spec.dtype != variable.spec().dtype || !spec.shape.compatible(&variable.spec().shape) {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!(
                    "a value of {} for variable `{}`",
                    variable.spec(),
                    variable.path()
                ),
                spec.to_string(),
            ));
        }
        let index = state.slot(variable);
        state.variables[index].current = value;
        Ok(())
    }

    pub(crate) fn check_indices(&self, indices: Indices) -> bool {
        let mut state = self.lock();
        let value = state.original(indices.value);
        let mut inputs = state.graph.params_of(ParamKind::Input);
        let checked = self.0.parent.is_none() && inputs.any(|v| v == value);
        drop(inputs);
        state.indices.push(indices);
        checked
    }

    /// Lets the program leave all variables as they are.
    pub(crate) fn keep_variables(&self) {
        for slot in &mut self.lock().variables {
            slot.current = slot.param;
        }
    }

    /// Lets variables have the values again that they have before the run.
    pub(crate) fn forget_assigned(&self, variables: &[Variable]) {
        let mut state = self.lock();
        for variable in variables {
            let index = state.slot(variable);
            state.variables[index].current = state.variables[index].param;
        }
    }

    /// Adds a scalar loss of a layer.
    pub(crate) fn add_loss(&self, loss: &Tensor) -> Result<()> {
        if self.0.parent.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a loss cannot be added inside the steps of a loop; add it for the whole sequence",
            ));
        }
        let value = self.import(loss)?;
        self.lock().losses.push(value);
        Ok(())
    }

    /// The layers' losses so far, in order.
    pub(crate) fn losses(&self) -> Vec<Tensor> {
        let losses = self.lock().losses.clone();
        losses.into_iter().map(|v| self.wrap(v)).collect()
    }

    /// Enters a layer's call: its name counts for paths, the label marks its primitives. Gives what to leave with.
    pub(crate) fn enter(&self, layer: &str, label: &str) -> Option<Scope> {
        let mut state = self.lock();
        state.layers.push(layer.to_owned());
        let known = state.scopes.get(label).copied();
        let scope = known.unwrap_or_else(|| {
            let scope = state.graph.add_scope(label);
            state.scopes.insert(label.to_owned(), scope);
            scope
        });
        state.graph.set_scope(Some(scope))
    }

    pub(crate) fn leave(&self, outer: Option<Scope>) {
        let mut state = self.lock();
        state.layers.pop();
        state.graph.set_scope(outer);
    }

    /// Names of the layers being called, outermost first.
    pub(crate) fn layer_path(&self) -> Vec<String> {
        self.lock().layers.clone()
    }

    /// Takes the body of a loop out of its trace.
    pub(crate) fn take_graph(&self) -> Graph {
        std::mem::take(&mut self.lock().graph)
    }

    /// Ends the trace: variables with a new value become the graph's updates.
    pub(crate) fn finish(&self) -> Traced {
        let mut state = std::mem::take(&mut *self.lock());
        for slot in &state.variables {
            if slot.current != slot.param {
                state.graph.update(slot.param, slot.current);
            }
        }
        let inputs: Vec<Value> = state.graph.params_of(ParamKind::Input).collect();
        let own = state.own;
        let indices = state.indices.into_iter().filter_map(|found| {
            let value = own.get(&found.value).unwrap_or(&found.value);
            let position = inputs.iter().position(|v| v == value);
            position.map(|p| (p, found))
        });
        Traced {
            indices: indices.collect(),
            graph: state.graph,
            variables: state.variables.into_iter().map(|s| s.variable).collect(),
        }
    }
}

impl State {
    /// The value that this one is the same as.
    fn original(&self, value: Value) -> Value {
        self.own.get(&value).copied().unwrap_or(value)
    }

    fn slot(&mut self, variable: &Variable) -> usize {
        if let Some(&index) = self.variable_index.get(&variable.id()) {
            return index;
        }
        let spec = variable.spec().clone();
        let param = self.graph.param(ParamKind::Variable, variable.path(), spec);
        self.variables.push(Slot {
            variable: variable.clone(),
            param,
            current: param,
        });
        self.variable_index
            .insert(variable.id(), self.variables.len() - 1);
        self.variables.len() - 1
    }
}
