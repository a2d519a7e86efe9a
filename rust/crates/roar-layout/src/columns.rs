//! The third step: how far to the right each slot stands. Each wants to stand below or above what it is joined to, and those of a layer keep their order and
//! their distance: the nearest places to the wanted ones that do so are found exactly, layer by layer, there and back.

use crate::SIDE_GAP;
use crate::layers::Layers;

/// Times that it goes there and back.
const ROUNDS: usize = 30;

/// How much more a line counts that goes through free slots only: bends are worse than slopes.
const STRAIGHT_WEIGHT: f64 = 4.0;

/// A bend that is smaller than this looks like a mistake.
const NEARLY: f64 = 24.0;

/// How much it counts where one stands that is joined to nothing.
const LOOSE_WEIGHT: f64 = 0.01;

/// Returns how far to the right the middle of each slot is.
pub(crate) fn middles(layers: &Layers, widths: &[f64]) -> Vec<f64> {
    let mut middles = vec![0.0; layers.slots.len()];
    for layer in &layers.layers {
        let mut left = 0.0;
        for slot in layer {
            middles[*slot] = left + widths[*slot] / 2.0;
            left += widths[*slot] + SIDE_GAP;
        }
    }
    let count = layers.layers.len();
    for _ in 0..ROUNDS {
        for layer in (0..count).rev().chain(0..count) {
            settle(layers, layer, widths, &mut middles, |slot, middles| {
                wanted(layers, slot, widths, middles)
            });
        }
    }
    // Last, what hangs nearly straight down from one other does so.
    for layer in 1..count {
        settle(layers, layer, widths, &mut middles, |slot, middles| {
            match layers.slots[slot].before.as_slice() {
                [above] if (middles[*above] - middles[slot]).abs() < NEARLY => (middles[*above], 1.0),
                _ => (middles[slot], 1.0),
            }
        });
    }
    let left =
        (0..middles.len()).map(|slot| middles[slot] - widths[slot] / 2.0).fold(f64::INFINITY, f64::min);
    middles.iter_mut().for_each(|middle| *middle -= left);
    middles
}

/// Slots that stand as close as they may, and move together.
struct Block {
    /// How many.
    slots: usize,
    /// Sum of the wanted places, each less its distance from the first of the layer, by weight.
    sum: f64,
    weight: f64,
}

impl Block {
    fn place(&self) -> f64 {
        self.sum / self.weight
    }
}

/// Moves the slots of a layer to the nearest places to those that they want (isotonic regression: neighbours that would pass each other are
/// one block).
fn settle(
    layers: &Layers,
    layer: usize,
    widths: &[f64],
    middles: &mut [f64],
    wanted: impl Fn(usize, &[f64]) -> (f64, f64),
) {
    let slots = &layers.layers[layer];
    let mut offsets = Vec::with_capacity(slots.len());
    let mut offset = 0.0;
    for (at, slot) in slots.iter().enumerate() {
        if at > 0 {
            offset += (widths[slots[at - 1]] + widths[*slot]) / 2.0 + SIDE_GAP;
        }
        offsets.push(offset);
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (slot, offset) in slots.iter().zip(&offsets) {
        let (place, weight) = wanted(*slot, middles);
        blocks.push(Block { slots: 1, sum: (place - offset) * weight, weight });
        while let [.., above, below] = blocks.as_slice()
            && above.place() > below.place()
        {
            let below = blocks.pop().expect("there are two");
            let above = blocks.last_mut().expect("there are two");
            above.slots += below.slots;
            above.sum += below.sum;
            above.weight += below.weight;
        }
    }
    let places = blocks.iter().flat_map(|block| std::iter::repeat_n(block.place(), block.slots));
    for ((slot, offset), place) in slots.iter().zip(&offsets).zip(places) {
        middles[*slot] = place + offset;
    }
}

/// Returns where a slot would stand if it were alone with those that it is joined to, and how much that counts.
fn wanted(layers: &Layers, slot: usize, widths: &[f64], middles: &[f64]) -> (f64, f64) {
    let near = &layers.slots[slot];
    let is_free = |slot: usize| widths[slot] == 0.0;
    let (mut sum, mut weight) = (0.0, 0.0);
    for other in near.before.iter().chain(&near.after) {
        let line = if is_free(slot) && is_free(*other) { STRAIGHT_WEIGHT } else { 1.0 };
        sum += middles[*other] * line;
        weight += line;
    }
    // One that is joined to nothing gives way.
    if weight == 0.0 { (middles[slot], LOOSE_WEIGHT) } else { (sum / weight, weight) }
}
