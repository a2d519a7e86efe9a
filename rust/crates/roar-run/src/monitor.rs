//! Who is told how the work goes on.

/// Listens to the work; called from any thread, often.
pub trait Monitor: Sync {
    /// So many more bytes will be hashed.
    fn add_to_hash(&self, bytes: u64);
    /// So many more bytes were hashed.
    fn add_hashed(&self, bytes: u64);
    /// Something worth a line in a verbose run.
    fn note(&self, text: &str);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn add_to_hash(&self, _bytes: u64) {}
    fn add_hashed(&self, _bytes: u64) {}
    fn note(&self, _text: &str) {}
}
