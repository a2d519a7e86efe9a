//! The second step: the order within each layer, so that few lines cross. Each slot moves to the middle of those that it is joined to, layer
//! by layer, there and back, and the best order on the way is kept.

use crate::layers::Layers;

/// Times that it goes there and back: more hardly ever help.
const ROUNDS: usize = 12;

/// Rounds without a better order, after which there will be none.
const PATIENCE: usize = 4;

pub(crate) fn order(layers: &mut Layers) {
    begin(layers);
    let mut position = vec![0; layers.slots.len()];
    number(layers, &mut position);
    let mut best = (crossings(layers, &position), layers.layers.clone());
    let mut since_better = 0;
    for _ in 0..ROUNDS {
        for layer in 1..layers.layers.len() {
            arrange(layers, layer, &mut position, |layers, slot| &layers.slots[slot].before);
        }
        for layer in (0..layers.layers.len().saturating_sub(1)).rev() {
            arrange(layers, layer, &mut position, |layers, slot| &layers.slots[slot].after);
        }
        let now = crossings(layers, &position);
        since_better += 1;
        if now < best.0 {
            best = (now, layers.layers.clone());
            since_better = 0;
        }
        if best.0 == 0 || since_better == PATIENCE {
            break;
        }
    }
    layers.layers = best.1;
}

/// Orders slots as a search meets them, so that what belongs together stands together.
fn begin(layers: &mut Layers) {
    let mut is_met = vec![false; layers.slots.len()];
    let mut met = Vec::with_capacity(layers.slots.len());
    for start in 0..layers.slots.len() {
        let mut open = vec![start];
        while let Some(slot) = open.pop() {
            if std::mem::replace(&mut is_met[slot], true) {
                continue;
            }
            met.push(slot);
            let near = &layers.slots[slot];
            open.extend(near.before.iter().chain(&near.after).rev());
        }
    }
    layers.layers.iter_mut().for_each(Vec::clear);
    for slot in met {
        layers.layers[layers.slots[slot].layer].push(slot);
    }
}

fn number(layers: &Layers, position: &mut [usize]) {
    for layer in &layers.layers {
        for (at, slot) in layer.iter().enumerate() {
            position[*slot] = at;
        }
    }
}

/// Orders a layer by the middles of what its slots are joined to in the layer beside it.
fn arrange(
    layers: &mut Layers,
    layer: usize,
    position: &mut [usize],
    joined: impl Fn(&Layers, usize) -> &Vec<usize>,
) {
    let middle = |slot: usize| {
        let beside = joined(layers, slot);
        let sum: usize = beside.iter().map(|other| position[*other]).sum();
        // One that is joined to nothing stays where it is.
        if beside.is_empty() { position[slot] as f64 } else { sum as f64 / beside.len() as f64 }
    };
    let mut slots: Vec<(f64, usize)> =
        layers.layers[layer].iter().map(|slot| (middle(*slot), *slot)).collect();
    slots.sort_by(|one, other| one.0.total_cmp(&other.0));
    layers.layers[layer] = slots.into_iter().map(|(_, slot)| slot).collect();
    for (at, slot) in layers.layers[layer].iter().enumerate() {
        position[*slot] = at;
    }
}

/// Returns how many pairs of lines cross (Barth, Mutzel and Jünger, 2002: inversions, counted in a tree of sums).
fn crossings(layers: &Layers, position: &[usize]) -> usize {
    let mut count = 0;
    for pair in layers.layers.windows(2) {
        let mut sums = vec![0_usize; pair[1].len() + 1];
        let mut seen = 0;
        for slot in &pair[0] {
            let mut ends: Vec<usize> =
                layers.slots[*slot].after.iter().map(|other| position[*other]).collect();
            ends.sort_unstable();
            for end in &ends {
                count += seen - sum_to(&sums, *end);
            }
            for end in ends {
                add(&mut sums, end);
                seen += 1;
            }
        }
    }
    count
}

/// Returns how many ends are at that place or before it.
fn sum_to(sums: &[usize], place: usize) -> usize {
    let mut at = place + 1;
    let mut sum = 0;
    while at > 0 {
        sum += sums[at];
        at &= at - 1;
    }
    sum
}

fn add(sums: &mut [usize], place: usize) {
    let mut at = place + 1;
    while at < sums.len() {
        sums[at] += 1;
        at += at & at.wrapping_neg();
    }
}
