//! The first step: which layer each node is in, and through which slots of other layers lines go.

/// A line that spans more layers than this goes straight: to keep slots free for it in all of them would make others longer.
const SPAN_MAX: usize = 40;

/// A place in a layer: of a node, or one that is kept free for lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// Its layer.
    pub(crate) layer: usize,
    /// Slots of the layer before that lines come from.
    pub(crate) before: Vec<usize>,
    /// Slots of the layer after that lines lead to.
    pub(crate) after: Vec<usize>,
}

/// The layers and what is in them.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// The slots: those of the nodes come first.
    pub(crate) slots: Vec<Slot>,
    /// The slots of each layer, from left to right.
    pub(crate) layers: Vec<Vec<usize>>,
    /// For each line the free slots that it goes through.
    pub(crate) through: Vec<Vec<usize>>,
}

impl Layers {
    pub(crate) fn new(nodes: usize, lines: &[(usize, usize)]) -> Self {
        let mut result = Self { slots: vec![Slot::default(); nodes], ..Self::default() };
        for (slot, layer) in result.slots.iter_mut().zip(layers(nodes, lines)) {
            slot.layer = layer;
        }
        // Lines from one node go together for as long as they can.
        let mut trunks: Vec<Vec<usize>> = vec![Vec::new(); nodes];
        for (from, to) in lines {
            let through = result.route(*from, *to, &mut trunks[*from]);
            result.through.push(through);
        }
        let count = result.slots.iter().map(|slot| slot.layer + 1).max().unwrap_or(0);
        result.layers = vec![Vec::new(); count];
        for (slot, in_layer) in result.slots.iter().enumerate() {
            result.layers[in_layer.layer].push(slot);
        }
        result
    }

    /// Returns the free slots that a line goes through, taken from those of the same start and added to them.
    fn route(&mut self, from: usize, to: usize, trunk: &mut Vec<usize>) -> Vec<usize> {
        let (first, last) = (self.slots[from].layer + 1, self.slots[to].layer);
        if last - first > SPAN_MAX {
            return Vec::new();
        }
        for layer in first + trunk.len()..last {
            let slot = self.slots.len();
            self.slots.push(Slot { layer, ..Slot::default() });
            self.join(trunk.last().copied().unwrap_or(from), slot);
            trunk.push(slot);
        }
        let through = trunk[..last - first].to_vec();
        self.join(through.last().copied().unwrap_or(from), to);
        through
    }

    fn join(&mut self, from: usize, to: usize) {
        self.slots[from].after.push(to);
        self.slots[to].before.push(from);
    }
}

/// Returns the layer of each node: as high up as it can be, but what nothing leads to as near as it can be to what it leads to.
fn layers(nodes: usize, lines: &[(usize, usize)]) -> Vec<usize> {
    let mut after = vec![Vec::new(); nodes];
    let mut waiting = vec![0_usize; nodes];
    for (from, to) in lines {
        after[*from].push(*to);
        waiting[*to] += 1;
    }
    let is_source: Vec<bool> = waiting.iter().map(|count| *count == 0).collect();
    let mut layer = vec![0_usize; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|node| is_source[*node]).collect();
    let mut done = 0;
    while let Some(node) = ready.pop() {
        done += 1;
        for next in &after[node] {
            layer[*next] = layer[*next].max(layer[node] + 1);
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    assert_eq!(done, nodes, "the graph has no cycle");
    for node in (0..nodes).filter(|node| is_source[*node]) {
        if let Some(nearest) = after[node].iter().map(|next| layer[*next]).min() {
            layer[node] = nearest - 1;
        }
    }
    layer
}
