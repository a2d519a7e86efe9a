//! What a tracer leaves in its run directory on another machine, carried to where the job is recorded.
//!
//! The files of one run directory are a *stream*. It is cut into *pieces* while it grows; each has a number, is compressed, and is sealed
//! for the one who records the job. A *store* takes pieces and gives them back; it is trusted with nothing but keeping them. From the
//! pieces that have come, [`assemble`] makes the run directory again, and says what is missing.
//!
//! It knows neither Ray nor what the files are, and never prints. Begin reading at [`Stream`], then [`assemble`].

#![forbid(unsafe_code)]

mod assembly;
mod piece;
mod s3;
mod seal;
mod store;
mod stream;

pub use assembly::{Assembled, assemble};
pub use piece::{Origin, PieceName};
pub use s3::{S3, S3Place};
pub use seal::{KeyError, PrivateKey, PublicKey};
pub use store::{Store, StoreError};
pub use stream::{Shipper, Stream};
