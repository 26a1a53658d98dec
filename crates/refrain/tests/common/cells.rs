//! Cells of a program's own, those of `golden/make_cells.py`.

use refrain::layers::{AnyLayer, Build, Call, Config, Layer, Properties, RnnOutput, Weight};
use refrain::{Inputs, Literal, Result, Tensor, ops, register};

/// The cell of Keras's documentation; its output is `scale` times its state.
#[derive(Clone)]
pub struct MinimalCell {
    pub units: usize,
    pub scale: f64,
}

/// Two states of different sizes that do not begin at zero, and an output that is neither.
#[derive(Clone)]
pub struct CountingCell {
    pub units: usize,
}

fn units(config: &Config) -> usize {
    config["units"].as_u64().expect("a number") as usize
}

/// Makes both known under the names that files have.
pub fn register_all() {
    register::<AnyLayer, _>("golden>MinimalRNNCell", |config| {
        Ok(MinimalCell {
            units: units(config),
            scale: config["scale"].as_f64().expect("a number"),
        })
    });
    register::<AnyLayer, _>("golden>CountingCell", |config| {
        Ok(CountingCell {
            units: units(config),
        })
    });
}

impl Layer for MinimalCell {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "golden>MinimalRNNCell"
    }

    fn config(&self) -> Config {
        Config::from_iter([
            ("units".to_owned(), self.units.into()),
            ("scale".to_owned(), self.scale.into()),
        ])
    }

    fn properties(&self) -> Properties {
        Properties::cell([[self.units]])
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        cx.add_weight(Weight::new("kernel", [cx.last_dim()?, self.units]))?;
        cx.add_weight(Weight::new("recurrent_kernel", [self.units, self.units]))
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
        let (x, states) = (inputs.one()?, cx.states(inputs)?);
        let h = ops::matmul(x, &cx.weight("kernel")?);
        let h = ops::tanh(&(h + ops::matmul(&states[0], &cx.weight("recurrent_kernel")?)));
        let output = match self.scale == 1.0 {
            true => h.clone(),
            false => &h * self.scale,
        };
        Ok(RnnOutput {
            output,
            state: vec![h],
        })
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Layer for CountingCell {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "golden>CountingCell"
    }

    fn config(&self) -> Config {
        Config::from_iter([("units".to_owned(), self.units.into())])
    }

    fn properties(&self) -> Properties {
        Properties::cell([[self.units], [1]])
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        cx.add_weight(Weight::new("kernel", [cx.last_dim()?, self.units]))?;
        cx.add_weight(Weight::new("first", [self.units]))
    }

    fn initial_state(&self, cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let one = cx.constant(Literal::scalar(1.0f32));
        Ok(vec![&zeros[0] + cx.weight("first")?, &zeros[1] + one])
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
        let (x, states) = (inputs.one()?, cx.states(inputs)?);
        let h = ops::sin(&(&states[0] + ops::matmul(x, &cx.weight("kernel")?)));
        let count = &states[1] + ops::mean(&h, -1, true);
        Ok(RnnOutput {
            output: ops::concatenate([&(&h * &count), &count], -1),
            state: vec![h, count],
        })
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
