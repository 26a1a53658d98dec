//! Callbacks: code that runs between epochs and steps of `fit`, and batches of `evaluate` and `predict`.

mod callback;
mod checkpoint;
mod csv_logger;
mod early_stopping;
mod file_name;
mod lambda;
mod learning_rate;
mod monitor;
mod pass;

pub use callback::{Callback, TerminateOnNaN, TrainContext};
pub use checkpoint::ModelCheckpoint;
pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use lambda::LambdaCallback;
pub use learning_rate::{LearningRateScheduler, ReduceLROnPlateau};
pub use monitor::MonitorMode;
pub use pass::PassContext;
pub(crate) use pass::{Callbacks, each, takes_callbacks};
