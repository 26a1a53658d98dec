//! Engines of a program's own: one that hands everything on, and one whose variables are not on the host.

#[path = "common/warned.rs"]
mod warned;

use std::any::Any;
use std::borrow::Cow;
use std::process::Command;
use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayD};
use refrain::engine::{self, Buffer, Engine, EngineError, Graph, Program, Workspace};
use refrain::initializers::set_random_seed;
use refrain::layers::{AnyLayer, Dense, Dropout};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::training::Verbose;
use refrain::{ErrorKind, Literal, Model, Result, input, load_model};
use warned::warnings;

/// What an engine was asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Compiled,
    Ran,
    RanShared,
    Waited,
    FromHost,
    ToHost,
}
use Event::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    fn note(&self, event: Event) {
        self.0.lock().expect("no panic").push(event);
    }

    /// The events since the last time.
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

fn count(events: &[Event], event: Event) -> usize {
    events.iter().filter(|e| **e == event).count()
}

/// The CPU's engine, with a log.
struct Logging(Log);

struct LoggingProgram {
    inner: Box<dyn Program>,
    log: Log,
}

impl Engine for Logging {
    fn name(&self) -> &str {
        "logging"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        self.0.note(Compiled);
        Ok(Box::new(LoggingProgram {
            inner: engine::CpuEngine.compile(graph)?,
            log: self.0.clone(),
        }))
    }
}

impl Program for LoggingProgram {
    fn workspace(&self) -> Result<Box<dyn Workspace>, EngineError> {
        self.inner.workspace()
    }

    fn run(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError> {
        self.log.note(Ran);
        self.inner.run(workspace, inputs, variables, outputs)
    }

    fn run_shared(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), EngineError> {
        self.log.note(RanShared);
        self.inner
            .run_shared(workspace, inputs, variables, outputs, version)
    }

    fn peak_memory(&self) -> usize {
        self.inner.peak_memory()
    }

    fn flops(&self) -> u64 {
        self.inner.flops()
    }

    fn explain(&self) -> String {
        self.inner.explain()
    }
}

/// An engine with memory of its own, whose results are not there before someone waits for them.
struct Remote(Log);

/// The value of a variable in that memory.
struct RemoteBuffer {
    value: Literal,
    log: Log,
}

struct RemoteProgram(LoggingProgram);

struct RemoteWorkspace {
    inner: Box<dyn Workspace>,
    /// What a run has computed, until someone waits for it.
    outputs: Vec<Literal>,
    log: Log,
}

impl Buffer for RemoteBuffer {
    fn to_host(&self) -> Result<Cow<'_, Literal>, EngineError> {
        self.log.note(ToHost);
        Ok(Cow::Owned(self.value.clone()))
    }
}

impl Engine for Remote {
    fn name(&self) -> &str {
        "remote"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        self.0.note(Compiled);
        Ok(Box::new(RemoteProgram(LoggingProgram {
            inner: engine::CpuEngine.compile(graph)?,
            log: self.0.clone(),
        })))
    }

    fn buffer_from_host(&self, value: Literal) -> Result<Box<dyn Buffer>, EngineError> {
        self.0.note(FromHost);
        let log = self.0.clone();
        Ok(Box::new(RemoteBuffer { value, log }))
    }

    fn holds(&self, buffer: &dyn Buffer) -> bool {
        buffer.downcast_ref::<RemoteBuffer>().is_some()
    }
}

impl Workspace for RemoteWorkspace {
    fn wait(&mut self, outputs: &mut [Literal]) -> Result<(), EngineError> {
        self.log.note(Waited);
        outputs.clone_from_slice(&self.outputs);
        Ok(())
    }
}

impl RemoteWorkspace {
    fn of(workspace: &mut dyn Workspace) -> Result<&mut Self, EngineError> {
        let workspace: &mut dyn Any = workspace;
        let own = workspace.downcast_mut();
        own.ok_or_else(|| EngineError::new("the workspace of another engine"))
    }

    /// What outputs hold is not there yet.
    fn begin(&mut self, outputs: &mut [Literal]) {
        self.outputs = outputs.to_vec();
        for output in outputs {
            *output = Literal::full(output.dims(), output.dtype(), -77.0);
        }
    }
}

fn elsewhere() -> EngineError {
    EngineError::new("a variable is in another memory")
}

impl Program for RemoteProgram {
    fn workspace(&self) -> Result<Box<dyn Workspace>, EngineError> {
        Ok(Box::new(RemoteWorkspace {
            inner: self.0.workspace()?,
            outputs: Vec::new(),
            log: self.0.log.clone(),
        }))
    }

    fn run(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError> {
        let workspace = RemoteWorkspace::of(workspace)?;
        workspace.begin(outputs);
        let mut values: Vec<&mut dyn Buffer> = Vec::new();
        for variable in variables {
            let remote = variable.downcast_mut::<RemoteBuffer>();
            values.push(&mut remote.ok_or_else(elsewhere)?.value);
        }
        let (inner, outputs) = (&mut *workspace.inner, &mut workspace.outputs);
        self.0.run(inner, inputs, &mut values, outputs)
    }

    fn run_shared(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), EngineError> {
        let workspace = RemoteWorkspace::of(workspace)?;
        workspace.begin(outputs);
        let mut values: Vec<&dyn Buffer> = Vec::new();
        for variable in variables {
            let remote = variable.downcast_ref::<RemoteBuffer>();
            values.push(&remote.ok_or_else(elsewhere)?.value);
        }
        let (inner, outputs) = (&mut *workspace.inner, &mut workspace.outputs);
        self.0.run_shared(inner, inputs, &values, outputs, version)
    }

    fn peak_memory(&self) -> usize {
        self.0.peak_memory()
    }

    fn flops(&self) -> u64 {
        self.0.flops()
    }

    fn explain(&self) -> String {
        self.0.explain()
    }
}

/// Registers an engine under a name that no other test uses.
macro_rules! registered {
    ($engine:ident, $name:literal) => {{
        struct Named($engine);
        impl Engine for Named {
            fn name(&self) -> &str {
                $name
            }
            fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
                self.0.compile(graph)
            }
            fn buffer_from_host(&self, value: Literal) -> Result<Box<dyn Buffer>, EngineError> {
                self.0.buffer_from_host(value)
            }
            fn holds(&self, buffer: &dyn Buffer) -> bool {
                self.0.holds(buffer)
            }
        }
        let log = Log::default();
        engine::register(Named($engine(log.clone())));
        log
    }};
}

/// A network with a dropout, whose seed is a variable too, compiled with an optimizer that has slots.
fn network() -> Result<Model> {
    dropping(0.25)
}

fn dropping(rate: f64) -> Result<Model> {
    set_random_seed(5);
    let x = input([4]);
    let h = Dropout::new(rate).call(&Dense::new(8).call(&x)?)?;
    let model = Model::new(&x, &Dense::new(2).call(&h)?)?;
    let compile = model.compile(Adam::new(0.01), Loss::MeanSquaredError);
    compile.metrics([Metric::MeanAbsoluteError]).run()?;
    Ok(model)
}

fn data() -> (Array2<f32>, Array2<f32>) {
    let noise = |i: usize, j: usize, k: usize| ((i * 31 + j * 17 + k) % 23) as f32 / 23.0;
    let x = Array2::from_shape_fn((24, 4), |(i, j)| noise(i, j, 1));
    (x, Array2::from_shape_fn((24, 2), |(i, j)| noise(i, j, 5)))
}

/// Three steps, with what they report.
fn fit(model: &Model) -> Result<Vec<f64>> {
    let (x, y) = data();
    let fit = model.fit(&x, &y).batch_size(8).seed(3);
    let history = fit.verbose(Verbose::Silent).run()?;
    ["loss", "mean_absolute_error"]
        .map(|key| history.last(key))
        .into_iter()
        .collect()
}

fn predict(model: &Model) -> Result<ArrayD<f32>> {
    model.predict(&data().0).batch_size(24).run()?.into_array()
}

/// All that a training changes.
fn values(model: &Model) -> Result<Vec<Literal>> {
    let all = [model.weights(), model.optimizer_variables()].concat();
    all.iter().map(|v| v.value()).collect()
}

#[test]
fn a_wrapped_engine_sees_all_and_changes_nothing() -> Result<()> {
    let log = registered!(Logging, "logging-alone");
    let expected = network()?;
    let (reported, predicted) = (fit(&expected)?, predict(&expected)?);
    let model = network()?;
    engine::scope("logging-alone", || {
        assert_eq!(fit(&model)?, reported);
        assert_eq!(log.take(), [Compiled, Ran, Ran, Ran]);
        assert_eq!(predict(&model)?, predicted);
        assert_eq!(log.take(), [Compiled, RanShared]);
        // Programs are kept for each engine.
        predict(&model)?;
        assert_eq!(log.take(), [RanShared]);
        Ok(())
    })?;
    assert_eq!(predict(&model)?, predicted);
    assert_eq!(log.take(), [], "outside of the scope");
    assert_eq!(values(&model)?, values(&expected)?);
    Ok(())
}

#[test]
fn variables_stay_in_the_memory_of_an_engine_between_steps() -> Result<()> {
    let log = registered!(Remote, "remote-alone");
    let expected = network()?;
    let reported = fit(&expected)?;
    let model = network()?;
    engine::scope("remote-alone", || {
        assert_eq!(fit(&model)?, reported);
        let events = log.take();
        // Weights, the seed of the dropout, two slots of each weight, iteration and rate, and two means.
        let moved = 4 + 1 + 2 * 4 + 2 + 2 * 2;
        let mut wanted = vec![Compiled];
        wanted.extend(vec![FromHost; moved]);
        wanted.extend([Ran; 3]);
        wanted.extend([ToHost; 4]);
        assert_eq!(events, wanted, "the two means are read at the end alone");

        assert_eq!(predict(&model)?, predict_on_cpu(&expected)?);
        assert_eq!(log.take(), [Compiled, RanShared, Waited]);

        let (x, y) = data();
        let scores = model.evaluate(&x, &y).batch_size(8).run()?;
        let wanted = engine::scope("cpu", || expected.evaluate(&x, &y).batch_size(8).run())?;
        assert_eq!(scores, wanted);
        let events = log.take();
        let last = events.iter().rposition(|e| *e == Ran).unwrap_or_default();
        assert_eq!(count(&events[..last], ToHost), 0, "{events:?}");
        assert_eq!(count(&events, FromHost), 4, "the means of the evaluation");

        // Gradients wait for their results.
        let gradients = model.gradients(&x, &y).run()?;
        let wanted = engine::scope("cpu", || expected.gradients(&x, &y).run())?;
        assert_eq!(gradients.value(), wanted.value());
        Ok(())
    })?;
    log.take();
    assert_eq!(values(&model)?, values(&expected)?);
    assert_eq!(count(&log.take(), ToHost), 4 + 2 + 2 * 4);
    Ok(())
}

fn predict_on_cpu(model: &Model) -> Result<ArrayD<f32>> {
    engine::scope("cpu", || predict(model))
}

#[test]
fn a_model_on_a_device_is_saved_loaded_and_watched() -> Result<()> {
    let log = registered!(Remote, "remote-saved");
    // Files do not hold the state of a dropout.
    let expected = dropping(0.0)?;
    fit(&expected)?;
    let folder = std::env::temp_dir();
    let path = |end: &str| folder.join(format!("refrain-engines-{}.{end}", std::process::id()));
    engine::scope("remote-saved", || {
        let model = dropping(0.0)?;
        fit(&model)?;
        assert_eq!(values(&model)?, values(&expected)?);
        for end in ["keras", "h5", "safetensors"] {
            model.save(path(end))?;
            let again = load_model(path(end))?;
            std::fs::remove_file(path(end)).expect("the file");
            assert_eq!(predict(&again)?, predict(&model)?, "{end}");
            if end == "keras" {
                assert_eq!(values(&again)?, values(&model)?);
                fit(&again)?;
                fit(&model)?;
                assert_eq!(values(&again)?, values(&model)?, "training goes on");
            }
        }
        // What is assigned counts, and so does a new rate.
        let bias = &model.weights()[3];
        bias.assign(Literal::new([2], vec![1f32, 2.0]).expect("two"))?;
        model.set_learning_rate(0.0)?;
        log.take();
        fit(&model)?;
        assert_eq!(count(&log.take(), FromHost), 2 + 4, "and the means");
        assert_eq!(bias.value()?.to_f64(), [1.0, 2.0]);

        // A number that is not finite is found, and the step undone.
        let kernel = &model.weights()[2];
        let good = kernel.value()?;
        model.set_learning_rate(1e38)?;
        let (x, y) = data();
        let fit = model.fit(&x, &y).batch_size(8).epochs(3);
        let error = fit.check_finite(true).run().expect_err("too long steps");
        assert_eq!(error.kind(), ErrorKind::NonFinite, "{error}");
        let after = kernel.value()?;
        assert!(after.to_f64().iter().all(|w| w.is_finite()), "{after:?}");
        assert_ne!(after, good);
        Ok(())
    })
}

/// Two models that share a layer.
fn sharing() -> Result<(AnyLayer, [Model; 2])> {
    set_random_seed(9);
    let (x, shared) = (input([4]), Dense::new(2));
    let first = Model::new(&x, &shared.call(&x)?)?;
    let x = input([4]);
    let second = Model::new(&x, &shared.call(&Dense::new(4).call(&x)?)?)?;
    for model in [&first, &second] {
        let compile = model.compile(Adam::new(0.01), Loss::MeanSquaredError);
        compile.metrics([Metric::MeanAbsoluteError]).run()?;
    }
    Ok((shared.any().clone(), [first, second]))
}

#[test]
fn a_shared_layer_goes_to_whoever_runs() -> Result<()> {
    let log = registered!(Remote, "remote-shared");
    let (shared, [first, second]) = sharing()?;
    let (expected, [one, two]) = sharing()?;
    for _ in 0..2 {
        engine::scope("remote-shared", || fit(&first))?;
        let events = log.take();
        let moved = count(&events, FromHost);
        fit(&second)?;
        assert_eq!(log.take(), [ToHost; 2], "kernel and bias");
        fit(&one)?;
        fit(&two)?;
        for (got, wanted) in shared.weights().iter().zip(expected.weights()) {
            assert_eq!(got.value()?, wanted.value()?, "{}", got.path());
        }
        assert!(moved >= 2, "{events:?}");
    }
    engine::scope("interpreter", || fit(&second))?;
    assert_eq!(log.take(), [], "the interpreter's are the CPU's");

    // At the same time: each run finds the layer where it needs it, and values stay what they are.
    let expected = [predict(&first)?, predict(&second)?];
    std::thread::scope(|threads| {
        let run = |engine: &'static str, model: usize| {
            let models = [&first, &second];
            let expected = &expected;
            threads.spawn(move || -> Result<()> {
                for _ in 0..100 {
                    let got = engine::scope(engine, || predict(models[model]))?;
                    assert_eq!(got, expected[model], "{engine}");
                }
                Ok(())
            })
        };
        let running = [
            run("remote-shared", 0),
            run("cpu", 1),
            run("remote-shared", 1),
            run("cpu", 0),
        ];
        running
            .into_iter()
            .try_for_each(|thread| thread.join().expect("no panic"))
    })
}

/// An engine with something to say.
struct Early;

impl Engine for Early {
    fn name(&self) -> &str {
        "early"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        engine::InterpreterEngine.compile(graph)
    }

    fn warning(&self) -> Option<&str> {
        Some("convolutions take long")
    }
}

#[test]
fn an_engine_warns_once() -> Result<()> {
    engine::register(Early);
    let once = warnings(|| {
        engine::scope("early", || predict(&network()?))?;
        engine::scope("early", || predict(&network()?)).map(drop)
    })?;
    assert_eq!(once, ["convolutions take long"]);
    Ok(())
}

/// An engine that cannot.
struct Broken;

impl Engine for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn compile(&self, _: &Graph) -> Result<Box<dyn Program>, EngineError> {
        Err(EngineError::new("the device is gone"))
    }
}

#[test]
fn what_an_engine_cannot_do_is_an_error() -> Result<()> {
    engine::register(Broken);
    let model = network()?;
    let error = engine::scope("broken", || predict(&model)).expect_err("no program");
    assert_eq!(error.kind(), ErrorKind::Engine);
    assert_eq!(error.to_string(), "the device is gone.");
    let unknown = engine::scope("abacus", || predict(&model)).expect_err("no engine");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert_eq!(
        engine::set_default("abacus").err().map(|e| e.kind()),
        Some(ErrorKind::NotFound)
    );
    predict(&model).map(drop)
}

const CHILD: &str = "REFRAIN_TEST_ENGINES";

/// The environment, which a test cannot change for itself: it runs itself.
#[test]
fn the_environment_names_the_engine() -> Result<()> {
    if let Some(case) = std::env::var_os(CHILD) {
        let model = network()?;
        match case.to_str() {
            Some("known") => {
                assert_eq!(engine::current()?.name(), "interpreter");
                let (x, y) = data();
                let plan = model.fit(&x, &y).batch_size(8).plan()?;
                assert!(plan.flops > 0 && plan.peak_memory > 0, "{plan:?}");
                fit(&model)?;
                engine::set_default("cpu")?;
                assert_eq!(engine::current()?.name(), "cpu");
            }
            Some("unknown") => {
                let error = predict(&model).expect_err("no engine").to_string();
                assert_eq!(
                    error,
                    "no engine `tpu`; there are [\"cpu\", \"interpreter\"]. `REFRAIN_ENGINE` names it."
                );
                engine::scope("cpu", || predict(&model))?;
            }
            _ => assert_eq!(engine::current()?.name(), "cpu"),
        }
        return Ok(());
    }
    for (case, engine) in [("known", "interpreter"), ("unknown", "tpu"), ("none", "")] {
        let program = std::env::current_exe().expect("this test");
        let mut command = Command::new(program);
        command.args(["--exact", "the_environment_names_the_engine", "--nocapture"]);
        command.env(CHILD, case).env("REFRAIN_ENGINE", engine);
        let output = command.output().expect("a run of this test");
        let printed = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && printed.contains("1 passed"),
            "{printed}\n{failed}"
        );
    }
    Ok(())
}
