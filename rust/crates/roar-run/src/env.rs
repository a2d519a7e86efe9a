//! The environment variables that a run adds to those of the command.

/// Where runners tell of their tasks. The Python package `roar` looks at it.
pub(crate) const TASKS: &str = "ROAR_TASKS";

/// Where a process of a Ray cluster leaves what is seen of it: the variable of `ray.store`, which processes there are given.
pub(crate) const RAY_STORE: &str = "ROAR_RAY_STORE";

/// Where the server of an `s3://` store is: the variable of `ray.s3_endpoint`.
pub(crate) const RAY_S3_ENDPOINT: &str = "ROAR_RAY_S3_ENDPOINT";

/// Who uses an `s3://` store, as every other client of it is told.
pub(crate) const S3_KEY: &str = "AWS_ACCESS_KEY_ID";
pub(crate) const S3_SECRET: &str = "AWS_SECRET_ACCESS_KEY";
pub(crate) const S3_TOKEN: &str = "AWS_SESSION_TOKEN";

/// Where, the first that is set.
pub(crate) const S3_REGIONS: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The run that it is seen for.
pub(crate) const RAY_RUN: &str = "ROAR_RAY_RUN";

/// The public key that it is sealed with where it leaves the machine.
pub(crate) const RAY_KEY: &str = "ROAR_RAY_KEY";

/// The directory of the project that it is seen for: what is below it is worth a hash wherever it is.
pub(crate) const RAY_ROOT: &str = "ROAR_RAY_ROOT";

/// The tracer that was asked for: the variable of `tracer.mode`.
pub(crate) const TRACER_MODE: &str = "ROAR_TRACER_MODE";

/// Set for a worker that has a tracer of its own: the Python package takes it out of the tracer's group of processes.
pub(crate) const RAY_WORKER: &str = "ROAR_RAY_WORKER";
