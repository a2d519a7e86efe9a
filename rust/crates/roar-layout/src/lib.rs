//! Where the nodes of a drawn graph stand: in layers from top to bottom, so that every line leads down (after Sugiyama, Tagawa
//! and Toda, 1981).
//!
//! It is pure: sizes and lines in, places out. It draws nothing, and knows nothing of what the nodes are.
//! Begin reading at [`place`]; `layers`, `order` and `columns` are its three steps.

#![forbid(unsafe_code)]

mod columns;
mod layers;
mod order;

use layers::Layers;

/// Between two nodes of a layer, side by side.
const SIDE_GAP: f64 = 22.0;

/// Between two layers, where the lines are.
const LAYER_GAP: f64 = 38.0;

/// How large a node is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// A place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// From left to right.
    pub x: f64,
    /// From top to bottom.
    pub y: f64,
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// The upper left corner of each node.
    pub nodes: Vec<Point>,
    /// For each line the points that it goes through, with its two ends.
    pub lines: Vec<Vec<Point>>,
}

/// Returns where the nodes of a graph without cycles stand, and where its lines go.
///
/// It takes some 100 ms for 2,000 nodes.
///
/// # Panics
/// The lines form a cycle, or lead to a node that is not there.
pub fn place(sizes: &[Size], lines: &[(usize, usize)]) -> Places {
    let mut layers = Layers::new(sizes.len(), lines);
    order::order(&mut layers);
    let widths: Vec<f64> =
        (0..layers.slots.len()).map(|slot| sizes.get(slot).map_or(0.0, |size| size.width)).collect();
    let middles = columns::middles(&layers, &widths);
    let (tops, bottoms) = sides(&layers, sizes);
    let nodes = sizes
        .iter()
        .enumerate()
        .map(|(node, size)| Point { x: middles[node] - size.width / 2.0, y: tops[layers.slots[node].layer] });
    let points = |(line, through): (&(usize, usize), &Vec<usize>)| {
        let (from, to) = *line;
        let start = Point { x: middles[from], y: tops[layers.slots[from].layer] + sizes[from].height };
        let end = Point { x: middles[to], y: tops[layers.slots[to].layer] };
        // It goes straight down for as long as nodes could be beside it.
        let across = |slot: &usize| {
            let (layer, x) = (layers.slots[*slot].layer, middles[*slot]);
            [Point { x, y: tops[layer] }, Point { x, y: bottoms[layer] }]
        };
        std::iter::once(start).chain(through.iter().flat_map(across)).chain([end]).collect()
    };
    Places { nodes: nodes.collect(), lines: lines.iter().zip(&layers.through).map(points).collect() }
}

/// Returns where each layer begins and where it ends.
fn sides(layers: &Layers, sizes: &[Size]) -> (Vec<f64>, Vec<f64>) {
    let mut top = 0.0;
    let side = |layer: &Vec<usize>| {
        let heights = layer.iter().filter_map(|slot| sizes.get(*slot)).map(|size| size.height);
        let (begin, end) = (top, top + heights.fold(0.0, f64::max));
        top = end + LAYER_GAP;
        (begin, end)
    };
    layers.layers.iter().map(side).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(count: usize) -> Vec<Size> {
        (0..count)
            .map(|node| Size { width: 50.0 + (node % 7) as f64, height: 20.0 + (node % 3) as f64 })
            .collect()
    }

    /// Numbers that look like any, the same each time (Knuth's linear congruential generator).
    fn random_lines(nodes: usize, count: usize) -> Vec<(usize, usize)> {
        let mut state = 1_u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let mut lines: Vec<(usize, usize)> = (0..count)
            .map(|_| {
                let to = 1 + below(nodes - 1);
                (to - 1 - below(to.min(40)), to)
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    fn check(sizes: &[Size], lines: &[(usize, usize)]) {
        let places = place(sizes, lines);
        for ((from, to), points) in lines.iter().zip(&places.lines) {
            assert!(places.nodes[*from].y + sizes[*from].height < places.nodes[*to].y, "{from} {to}");
            assert!(points.windows(2).all(|pair| pair[0].y < pair[1].y), "{points:?}");
        }
        for (one, a) in places.nodes.iter().enumerate() {
            for (other, b) in places.nodes.iter().enumerate().skip(one + 1) {
                let is_apart = a.x + sizes[one].width <= b.x
                    || b.x + sizes[other].width <= a.x
                    || a.y + sizes[one].height <= b.y
                    || b.y + sizes[other].height <= a.y;
                assert!(is_apart, "{one} {a:?} and {other} {b:?}");
            }
        }
    }

    #[test]
    fn lines_lead_down_and_no_two_nodes_overlap() {
        check(&[], &[]);
        check(&sizes(1), &[]);
        check(&sizes(3), &[(0, 1), (1, 2), (0, 2)]);
        for (nodes, lines) in [(20, 30), (100, 60), (100, 300), (400, 700)] {
            check(&sizes(nodes), &random_lines(nodes, lines));
        }
    }

    #[test]
    fn a_chain_is_straight() {
        let places = place(&[Size { width: 50.0, height: 20.0 }; 4], &[(0, 1), (1, 2), (2, 3)]);
        assert!(places.nodes.iter().all(|place| place.x == places.nodes[0].x), "{places:?}");
    }

    #[test]
    fn two_lines_that_need_not_cross_do_not() {
        // As given, 0 leads to 3 and 1 to 2.
        let places = place(&[Size { width: 50.0, height: 20.0 }; 4], &[(0, 3), (1, 2)]);
        assert_eq!(places.nodes[0].x < places.nodes[1].x, places.nodes[3].x < places.nodes[2].x);
    }
}
