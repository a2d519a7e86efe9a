//! Which backend a run takes: what each way of failing comes to, and what is said of it. Each failure is made to happen.

#![forbid(unsafe_code)]

#[cfg(test)]
mod failures;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod tracers;
