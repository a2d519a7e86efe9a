//! Byte strings by the ids of the stream, each kept once.

use rustc_hash::FxHashMap;
use tracer_schema::TextId;

/// Index of a distinct byte string; equal strings have equal indices, whatever ids the stream gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(u32);

/// The byte strings of a run.
#[derive(Default)]
pub(crate) struct Texts {
    strings: Vec<Box<[u8]>>,
    symbols: FxHashMap<Box<[u8]>, Symbol>,
    by_id: FxHashMap<TextId, Symbol>,
}

impl Texts {
    /// Returns the symbol of a string, new or known.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> Symbol {
        if let Some(symbol) = self.symbols.get(bytes) {
            return *symbol;
        }
        let index = u32::try_from(self.strings.len()).expect("a run names fewer than 2^32 strings");
        self.strings.push(bytes.into());
        self.symbols.insert(bytes.into(), Symbol(index));
        Symbol(index)
    }

    /// Gives a string the id by which later events name it.
    pub(crate) fn define(&mut self, id: TextId, bytes: &[u8]) {
        let symbol = self.intern(bytes);
        self.by_id.insert(id, symbol);
    }

    /// Returns the string of an id, `None` for no id or one never defined.
    pub(crate) fn symbol(&self, id: TextId) -> Option<Symbol> {
        self.by_id.get(&id).copied()
    }

    /// Returns the bytes of a symbol.
    pub(crate) fn bytes(&self, symbol: Symbol) -> &[u8] {
        &self.strings[symbol.0 as usize]
    }
}
