//! Multi-head attention.

use serde_json::Value as Json;

use super::heads::{self, Heads};
use super::options::{Attend, attention_methods, call_with_scores, heads_options};
use super::roles::{ROLES, Roles};
use crate::config::{Config, ConfigValue};
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Layer, Properties};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

heads_options! {
    /// Several attentions side by side: each head looks at the values where its query fits their keys.
    ///
    /// Called on `[query, value]`, `[query, value, key]`, on one tensor that looks at itself, or with the arguments
    /// `query`, `value`, `key`. Further arguments: `attention_mask` (true where a query may look at a value),
    /// `query_mask`, `value_mask`, `key_mask` (by default those that the tensors carry), `use_causal_mask` and
    /// `return_attention_scores` (see [`call_with_scores`](Self::call_with_scores)).
    ///
    /// Query `(batch, queries, features)`, value and key `(batch, values, features)`, output like the query. Weights:
    /// `query/kernel (features, heads, key_dim)`, `query/bias (heads, key_dim)`, the same for `key` and `value`,
    /// `attention_output/kernel (heads, value_dim, features)`, `attention_output/bias (features,)`.
    ///
    /// ```
    /// use refrain::layers::MultiHeadAttention;
    /// use refrain::{Inputs, input};
    /// let (query, value) = (input([5, 16]), input([7, 12]));
    /// let attention = MultiHeadAttention::new(4, 8).dropout(0.1);
    /// let y = attention.call([&query, &value])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 16)");
    ///
    /// let looks_back = MultiHeadAttention::new(4, 8);
    /// looks_back.call(Inputs::new(&query).option("use_causal_mask", true))?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/attention/multi_head_attention.py`; Vaswani et al., "Attention Is All You Need", 2017.
    MultiHeadAttention, MultiHeadAttentionOptions,
    size {
        /// Number of attention heads.
        num_heads: usize = 0,
        /// Size of the query and the key of each head.
        key_dim: usize = 0,
        /// Size of the value of each head; `key_dim` by default.
        value_dim: Option<usize> = None,
    },
    own {
        /// Sizes of the output behind the batch and the attention axes; by default the size of the query's last axis.
        output_shape: OutputShape = OutputShape::default(),
        /// Axes over which attention is applied; by default all but the batch and the features.
        attention_axes: Option<Vec<i64>> = None,
    }
}

/// Sizes of the last axes of an attention's output: one, several, or none for that of the query.
///
/// ```
/// use refrain::{input, layers::MultiHeadAttention};
/// let x = input([5, 16]);
/// let y = MultiHeadAttention::new(4, 8).output_shape(2).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 5, 2)");
/// let y = MultiHeadAttention::new(4, 8).output_shape([2, 3]).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 5, 2, 3)");
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputShape(pub Vec<usize>);

impl From<usize> for OutputShape {
    fn from(size: usize) -> Self {
        OutputShape(vec![size])
    }
}

impl<const N: usize> From<[usize; N]> for OutputShape {
    fn from(sizes: [usize; N]) -> Self {
        OutputShape(sizes.into())
    }
}

impl From<Vec<usize>> for OutputShape {
    fn from(sizes: Vec<usize>) -> Self {
        OutputShape(sizes)
    }
}

impl From<Option<Vec<usize>>> for OutputShape {
    fn from(sizes: Option<Vec<usize>>) -> Self {
        OutputShape(sizes.unwrap_or_default())
    }
}

impl ConfigValue for OutputShape {
    fn to_json(&self) -> Json {
        match self.0.is_empty() {
            true => Json::Null,
            false => self.0.to_json(),
        }
    }

    /// A size of 0 says nothing, as in Keras.
    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Number(n) if n.as_u64() == Some(0) => Ok(OutputShape::default()),
            Json::Number(_) => usize::from_json(json).map(OutputShape::from),
            json => Option::from_json(json).map(|sizes: Option<Vec<usize>>| sizes.into()),
        }
    }
}

impl MultiHeadAttention {
    /// A layer of so many heads with queries and keys of this size each.
    pub fn new(num_heads: usize, key_dim: usize) -> Self {
        MultiHeadAttentionOptions {
            num_heads,
            key_dim,
            ..MultiHeadAttentionOptions::default()
        }
        .into_layer()
    }
}

call_with_scores!(MultiHeadAttention);

impl MultiHeadAttentionOptions {
    fn value_dim(&self) -> usize {
        self.value_dim.unwrap_or(self.key_dim)
    }

    fn heads(&self) -> Heads<'_> {
        Heads {
            num_heads: self.num_heads,
            value_heads: self.num_heads,
            key_dim: self.key_dim,
            value_dim: self.value_dim(),
            output_shape: &self.output_shape.0,
            attention_axes: self.attention_axes.as_deref(),
            common: self.common(),
        }
    }
}

impl Attend for MultiHeadAttentionOptions {
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        self.heads().attend(cx, inputs)
    }

    fn output_mask(&self, inputs: &Inputs) -> Result<Option<Tensor>> {
        Ok(heads::query_mask(inputs, &Roles::of(inputs)?))
    }
}

impl Layer for MultiHeadAttentionOptions {
    attention_methods!("MultiHeadAttention");

    fn properties(&self) -> Properties {
        Properties {
            arguments: ROLES,
            parts: &[
                ("query", "query_dense"),
                ("key", "key_dense"),
                ("value", "value_dense"),
                ("attention_output", "output_dense"),
                ("gate", "_gate_dense"),
            ],
            takes_masks_off: true,
            penalties: self.common().penalties(),
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        config.insert("value_dim".to_owned(), self.value_dim().into());
        config
    }

    fn validate(&self) -> Result<()> {
        self.common().validate(&[
            ("num_heads", self.num_heads),
            ("key_dim", self.key_dim),
            ("value_dim", self.value_dim()),
        ])
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        Roles::as_arguments(inputs)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let roles = Roles::of(cx.inputs())?;
        self.heads().build(cx, &roles)?;
        let (rank, width) = (roles.query.rank(), cx.last_dim()?);
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(-1, width));
        Ok(())
    }
}
