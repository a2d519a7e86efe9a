//! Many short byte strings, kept together: a session of a million files has no million allocations.

/// Byte strings by number. Each is set once, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each begins, and how long it is.
    spans: Vec<(usize, u32)>,
}

impl Names {
    /// Returns as many empty ones.
    pub fn with_len(len: usize) -> Self {
        Self { bytes: Vec::new(), spans: vec![(0, 0); len] }
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Sets one that is empty so far.
    pub fn set(&mut self, number: usize, name: &[u8]) {
        let len = u32::try_from(name.len()).expect("a name is shorter than PATH_MAX");
        self.spans[number] = (self.bytes.len(), len);
        self.bytes.extend_from_slice(name);
    }

    /// Adds one, with the next number.
    pub fn push(&mut self, name: &[u8]) {
        self.spans.push((0, 0));
        self.set(self.spans.len() - 1, name);
    }

    /// Returns one.
    pub fn get(&self, number: usize) -> &[u8] {
        let (start, len) = self.spans[number];
        &self.bytes[start..start + len as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_found_by_number_in_whatever_order_they_came() {
        let mut names = Names::with_len(3);
        names.set(2, b"two");
        names.set(0, b"zero");
        names.push(b"three");
        let all: Vec<&[u8]> = (0..names.len()).map(|number| names.get(number)).collect();
        assert_eq!(all, [&b"zero"[..], b"", b"two", b"three"]);
    }
}
