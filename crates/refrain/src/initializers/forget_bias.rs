//! The first bias of an LSTM.

use refrain_graph::{DType, Literal};

use super::{Initializer, InitializerClass, literal};
use crate::config::Config;
use crate::error::Result;
use crate::objects::Class;

/// The bias of an LSTM: the second quarter (the forget gate's) is one, the rest as the inner initializer makes it.
#[derive(Clone, Debug)]
pub(crate) struct ForgetBias(pub(crate) Initializer);

impl Class for ForgetBias {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }

    fn default_name(&self) -> String {
        self.0.0.default_name()
    }

    fn config(&self) -> Config {
        self.0.config()
    }
}

impl InitializerClass for ForgetBias {
    /// As Keras: one call for the input gate's quarter, one for the half behind the forget gate's.
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let quarter = shape.iter().product::<usize>() / 4;
        let mut values = self.0.sample(&[quarter], DType::F64)?.to_f64();
        values.resize(2 * quarter, 1.0);
        values.extend(self.0.sample(&[2 * quarter], DType::F64)?.to_f64());
        literal(shape, values, dtype)
    }
}
