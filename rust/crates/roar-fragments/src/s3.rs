//! A bucket of an S3-compatible server as a store: each piece is an object, and is written once.

use std::time::Duration;

use rusty_s3::actions::{ListObjectsV2, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use ureq::Agent;

use crate::piece::PieceName;
use crate::store::StoreError;

/// How long a signature is good: the server's clock may differ.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// A server that has not answered by then is asked again, or not at all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the server says where an object is there already that is to be made.
const THERE_ALREADY: u16 = 412;

/// Bytes that a piece or a page of a list has at most, on the wire.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Where a bucket is, and who may use it.
#[derive(Clone, Debug, Default)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// How the names of the objects begin, with a `/` at the end unless it is empty.
    pub prefix: String,
    /// The address of the server; without one, Amazon's.
    pub endpoint: Option<String>,
    /// The region; without one, the first that there was.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub key: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<String>,
}

/// A bucket.
#[derive(Clone)]
pub struct S3 {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    agent: Agent,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3({}, {})", self.bucket.base_url(), self.prefix)
    }
}

impl S3 {
    /// Returns the bucket at a place. Nothing is asked yet.
    ///
    /// # Errors
    /// The place cannot be.
    pub fn new(place: S3Place) -> Result<Self, StoreError> {
        let S3Place { bucket, prefix, endpoint, region, key, secret, token } = place;
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        // Servers of others rarely have a name for each bucket.
        let style = if endpoint.is_some() { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let refused = |why: String| StoreError::Server { what: format!("s3://{bucket} at {endpoint}"), why };
        let address = endpoint.parse().map_err(|error| refused(format!("{error}")))?;
        let bucket = Bucket::new(address, style, bucket.clone(), region)
            .map_err(|error| refused(error.to_string()))?;
        let credentials = match token {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        };
        let config =
            Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Ok(Self { bucket, credentials, prefix, agent: Agent::new_with_config(config) })
    }

    fn failed(&self, why: impl ToString) -> StoreError {
        StoreError::Server { what: self.bucket.base_url().to_string(), why: why.to_string() }
    }

    fn key(&self, name: &PieceName) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn put(&self, name: &PieceName, sealed: &[u8]) -> Result<(), StoreError> {
        let key = self.key(name);
        let mut action = self.bucket.put_object(Some(&self.credentials), &key);
        action.headers_mut().insert("if-none-match", "*");
        let address = action.sign(SIGNED_FOR);
        let request = self.agent.put(address.as_str()).header("if-none-match", "*");
        let answer = request.send(sealed).map_err(|error| self.failed(error))?;
        let status = answer.status();
        // An answer may have been lost to a put that was carried out.
        let is_there = status.is_success() || status.as_u16() == THERE_ALREADY;
        if is_there { Ok(()) } else { Err(self.failed(format!("it answers {status}"))) }
    }

    fn ask(&self, address: &str) -> Result<Vec<u8>, StoreError> {
        let mut answer = self.agent.get(address).call().map_err(|error| self.failed(error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.failed(format!("it answers {status}")));
        }
        answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
            .map_err(|error| self.failed(error))
    }

    pub(crate) fn names(&self) -> Result<Vec<PieceName>, StoreError> {
        let mut names = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
            action.with_prefix(&self.prefix);
            if let Some(next) = &next {
                action.with_continuation_token(next);
            }
            let page = self.ask(action.sign(SIGNED_FOR).as_str())?;
            let page = ListObjectsV2::parse_response(&String::from_utf8_lossy(&page))
                .map_err(|error| self.failed(error))?;
            let keys = page.contents.iter().filter_map(|object| object.key.strip_prefix(&self.prefix));
            names.extend(keys.filter_map(|key| key.parse().ok()));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    pub(crate) fn get(&self, name: &PieceName) -> Result<Vec<u8>, StoreError> {
        let key = self.key(name);
        self.ask(self.bucket.get_object(Some(&self.credentials), &key).sign(SIGNED_FOR).as_str())
    }
}
