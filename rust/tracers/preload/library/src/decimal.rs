//! Numbers written in decimal.

/// The digits of a number.
pub(crate) struct Decimal {
    /// As many as 2^32 - 1 has, the number's own at the end.
    digits: [u8; 10],
    start: usize,
}

impl Decimal {
    /// Writes a number.
    pub(crate) fn new(mut number: u32) -> Self {
        let mut digits = [b'0'; 10];
        let mut start = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (number % 10) as u8;
            start = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        Self { digits, start }
    }

    /// Returns the digits.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or(b"")
    }
}
