//! Attention whose heads share keys and values.

use super::multi_head_attention::{MultiHeadAttentionOptions, by_role, check_sizes};
use super::scores::{Roles, attention_methods, scored_call};
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::regularization::noise;
use crate::layers::{Build, Call, Layer, Properties, weighted_options};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

weighted_options! {
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
    GroupQueryAttention, GroupQueryAttentionOptions {
        /// Size of each head.
        head_dim: usize = 0,
        /// Number of heads of the query.
        num_query_heads: usize = 0,
        /// Number of heads of key and value, which divides that of the query.
        num_key_value_heads: usize = 0,
        /// Whether the projections have biases.
        use_bias: bool = true,
        /// Whether a projection of the query gates the heads' outputs.
        use_gate: bool = false,
        /// Lets queries see only values nearer than this.
        sliding_window: Option<usize> = None,
        /// The part of the scores that is dropped while fitting.
        dropout: f64 = 0.0,
    }
    weights {
        kernel, "the kernels": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
        bias, "the biases": bias_initializer = Zeros, bias_regularizer, bias_constraint;
    }
    outputs { activity_regularizer, "the outputs of the projections" }
    then {
        /// Makes the dropout draw the same numbers in each new process.
        seed: Option<u64> = None,
    }
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

scored_call!(GroupQueryAttention);

impl GroupQueryAttentionOptions {
    /// The attention that it is once keys and values have been repeated.
    fn heads(&self) -> MultiHeadAttentionOptions {
        MultiHeadAttentionOptions {
            num_heads: self.num_query_heads,
            key_dim: self.head_dim,
            dropout: self.dropout,
            use_bias: self.use_bias,
            use_gate: self.use_gate,
            sliding_window: self.sliding_window,
            kernel_initializer: self.kernel_initializer.clone(),
            bias_initializer: self.bias_initializer.clone(),
            kernel_regularizer: self.kernel_regularizer.clone(),
            bias_regularizer: self.bias_regularizer.clone(),
            activity_regularizer: self.activity_regularizer.clone(),
            kernel_constraint: self.kernel_constraint.clone(),
            bias_constraint: self.bias_constraint.clone(),
            seed: self.seed,
            ..MultiHeadAttentionOptions::default()
        }
    }

    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        self.heads().attend(cx, inputs)
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

impl Layer for GroupQueryAttentionOptions {
    type Output = Tensor;

    /// Keras writes another name into files.
    fn class_name(&self) -> &str {
        "GroupedQueryAttention"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["query", "value", "key"],
            parts: &[
                ("query", "_query_dense"),
                ("key", "_key_dense"),
                ("value", "_value_dense"),
                ("attention_output", "_output_dense"),
                ("gate", "_gate_dense"),
            ],
            penalties: self.heads().penalties(),
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn validate(&self) -> Result<()> {
        check_sizes(&[
            ("head_dim", self.head_dim),
            ("num_query_heads", self.num_query_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("sliding_window", self.sliding_window.unwrap_or(1)),
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
        noise::check_rate("dropout", self.dropout)
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        by_role(inputs)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let roles = Roles::of(cx.inputs())?;
        self.check_shapes(&roles)?;
        self.heads()
            .add_projections(cx, &roles, self.num_key_value_heads)
    }

    /// The output carries the mask that the query carries, the scores none.
    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mut masks = vec![None; outputs.len()];
        if let Some(first) = masks.first_mut() {
            *first = Roles::of(inputs)?.query.mask();
        }
        Ok(masks)
    }

    attention_methods!();
}
