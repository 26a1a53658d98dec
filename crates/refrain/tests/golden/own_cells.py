"""Cells that are not Keras's own, as `tests/common/cells.rs` has them."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("golden")
class MinimalRNNCell(keras.Layer):
    """The cell of Keras's documentation; its output is `scale` times its state."""

    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.scale = units, scale
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

    def call(self, inputs, states):
        h = ops.matmul(inputs, self.kernel)
        h = ops.tanh(h + ops.matmul(states[0], self.recurrent_kernel))
        return h * self.scale, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": self.scale}


@keras.saving.register_keras_serializable("golden")
class CountingCell(keras.Layer):
    """Two states of different sizes that do not begin at zero, and an output that is neither."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units + 1

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.first = self.add_weight(shape=(self.units,), name="first")

    def get_initial_state(self, batch_size=None):
        h = ops.broadcast_to(self.first, (batch_size, self.units))
        return [h, ops.ones((batch_size, 1))]

    def call(self, inputs, states):
        h, count = states
        h = ops.sin(h + ops.matmul(inputs, self.kernel))
        count = count + ops.mean(h, axis=-1, keepdims=True)
        return ops.concatenate([h * count, count], axis=-1), [h, count]

    def get_config(self):
        return {**super().get_config(), "units": self.units}
