//! Attention whose heads share keys and values.

use super::heads::Heads;
use super::options::{Attend, attention_methods, call_with_scores, heads_options};
use super::roles::{ROLES, Roles};
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, Layer, Properties};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

heads_options! {
    /// Multi-head attention in which groups of query heads share one head of keys and values.
    ///
    /// One head of keys and values is multi-query attention; as many as of queries is [`MultiHeadAttention`](super::MultiHeadAttention),
    /// whose calls and arguments this layer has.
    ///
    /// Query `(batch, queries, features)`, value `(batch, values, features)`, key `(batch, values, any)`, output like the
    /// query. Weights: `query/kernel (features, query heads, head_dim)`, `query/bias (query heads, head_dim)`, the same for `key` and
    /// `value` with their heads, `attention_output/kernel (query heads, head_dim, features)`, `attention_output/bias (features,)`.
    ///
    /// ```
    /// use refrain::layers::GroupQueryAttention;
    /// use refrain::{Inputs, input};
    /// let (query, value) = (input([5, 16]), input([7, 16]));
    /// let attention = GroupQueryAttention::new(8, 4, 2);
    /// let y = attention.call([&query, &value])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 16)");
    ///
    /// let looks_back = GroupQueryAttention::new(8, 4, 2).sliding_window(3);
    /// looks_back.call(Inputs::new(&query).option("use_causal_mask", true))?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/attention/grouped_query_attention.py`; Ainslie et al., "GQA: Training Generalized Multi-Query
    /// Transformer Models from Multi-Head Checkpoints", 2023.
    GroupQueryAttention, GroupQueryAttentionOptions,
    size {
        /// Size of each head.
        head_dim: usize = 0,
        /// Number of heads of the query.
        num_query_heads: usize = 0,
        /// Number of heads of key and value, which divides that of the query.
        num_key_value_heads: usize = 0,
    },
    own {}
}

impl GroupQueryAttention {
    /// A layer of heads of this size: so many of queries, and so many of keys and values.
    pub fn new(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) -> Self {
        GroupQueryAttentionOptions {
            head_dim,
            num_query_heads,
            num_key_value_heads,
            ..GroupQueryAttentionOptions::default()
        }
        .into_layer()
    }
}

call_with_scores!(GroupQueryAttention);

impl GroupQueryAttentionOptions {
    fn heads(&self) -> Heads<'_> {
        Heads {
            num_heads: self.num_query_heads,
            value_heads: self.num_key_value_heads,
            key_dim: self.head_dim,
            value_dim: self.head_dim,
            output_shape: &[],
            attention_axes: None,
            common: self.common(),
        }
    }

    /// Tensors of rank 3, query and value of one width.
    fn check_shapes(&self, roles: &Roles) -> Result<()> {
        let (query, value) = (roles.query.shape(), roles.value.shape());
        let same = query.dims().last() == value.dims().last();
        match query.rank() == 3 && same {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Shape,
                "a query and a value `(batch, steps, features)` with the same features",
                format!("shapes {query} and {value}"),
            )),
        }
    }
}

impl Attend for GroupQueryAttentionOptions {
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        self.heads().attend(cx, inputs)
    }

    /// As in Keras, that which the query carries, also where another is given as an argument.
    fn output_mask(&self, inputs: &Inputs) -> Result<Option<Tensor>> {
        Ok(Roles::of(inputs)?.query.mask())
    }
}

impl Layer for GroupQueryAttentionOptions {
    // Keras writes another name into files.
    attention_methods!("GroupedQueryAttention");

    fn properties(&self) -> Properties {
        Properties {
            arguments: ROLES,
            parts: &[
                ("query", "_query_dense"),
                ("key", "_key_dense"),
                ("value", "_value_dense"),
                ("attention_output", "_output_dense"),
                ("gate", "_gate_dense"),
            ],
            penalties: self.common().penalties(),
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn validate(&self) -> Result<()> {
        self.common().validate(&[
            ("head_dim", self.head_dim),
            ("num_query_heads", self.num_query_heads),
            ("num_key_value_heads", self.num_key_value_heads),
        ])?;
        if !self
            .num_query_heads
            .is_multiple_of(self.num_key_value_heads)
        {
            return Err(Error::mismatch(
                ErrorKind::Config,
                format!(
                    "a divisor of the {} query heads for option `num_key_value_heads`",
                    self.num_query_heads
                ),
                self.num_key_value_heads.to_string(),
            ));
        }
        Ok(())
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        Roles::as_arguments(inputs)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let roles = Roles::of(cx.inputs())?;
        self.check_shapes(&roles)?;
        self.heads().build(cx, &roles)
    }
}
