//! Optimal groups of numbers: least sum of squared distances from each group's mean.

/// Above so many values the borders are found by dividing and conquering only: the plain way looks
/// at each pair of values.
const PLAIN: usize = 2000;

/// The first value of each group and the greatest of all, as uMap's `kmeans` has them.
pub(super) fn clusters(sorted: &[f64], groups: usize) -> Vec<f64> {
    let ([first, ..], [.., last]) = (sorted, sorted) else { return Vec::new() };
    if first == last {
        return vec![*first, *last];
    }
    let starts = Table::new(sorted, groups).starts();
    let mut breaks: Vec<f64> = starts.into_iter().filter_map(|at| sorted.get(at).copied()).collect();
    breaks.push(*last);
    breaks
}

/// Sums over the values, so that the cost of any group is known at once.
struct Sums {
    plain: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(sorted: &[f64]) -> Self {
        // From the middle value, which keeps the sums small and exact.
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let (mut plain, mut squares) = (Vec::with_capacity(sorted.len() + 1), Vec::with_capacity(sorted.len() + 1));
        let (mut sum, mut square) = (0.0, 0.0);
        plain.push(sum);
        squares.push(square);
        for value in sorted {
            let value = value - middle;
            sum += value;
            square += value * value;
            plain.push(sum);
            squares.push(square);
        }
        Self { plain, squares }
    }

    /// The cost of the group of the values `from` to `to`, both included.
    fn cost(&self, from: usize, to: usize) -> f64 {
        let at = |list: &[f64], place: usize| list.get(place).copied().unwrap_or(0.0);
        let count = (to + 1 - from) as f64;
        let sum = at(&self.plain, to + 1) - at(&self.plain, from);
        let square = at(&self.squares, to + 1) - at(&self.squares, from);
        let cost = if from > 0 {
            let mean = sum / count;
            square - count * mean * mean
        } else {
            square - sum * sum / count
        };
        cost.max(0.0)
    }
}

/// The least cost of the first values in so many groups, and where the last group begins.
struct Table {
    cost: Vec<Vec<f64>>,
    start: Vec<Vec<usize>>,
    count: usize,
}

impl Table {
    fn new(sorted: &[f64], groups: usize) -> Self {
        let sums = Sums::new(sorted);
        let count = sorted.len();
        let mut table =
            Self { cost: vec![vec![0.0; count]; groups.max(1)], start: vec![vec![0; count]; groups.max(1)], count };
        for to in 0..count {
            table.set(0, to, sums.cost(0, to), 0);
        }
        for group in 1..groups {
            // Of the last group only the whole is needed.
            let from = if group + 1 < groups { group } else { count.saturating_sub(1) };
            table.fill(group, from, count.saturating_sub(1), &sums);
        }
        table
    }

    fn set(&mut self, group: usize, to: usize, cost: f64, start: usize) {
        if let Some(slot) = self.cost.get_mut(group).and_then(|row| row.get_mut(to)) {
            *slot = cost;
        }
        if let Some(slot) = self.start.get_mut(group).and_then(|row| row.get_mut(to)) {
            *slot = start;
        }
    }

    fn cost(&self, group: usize, to: usize) -> f64 {
        self.cost.get(group).and_then(|row| row.get(to)).copied().unwrap_or(f64::INFINITY)
    }

    fn start(&self, group: usize, to: usize) -> usize {
        self.start.get(group).and_then(|row| row.get(to)).copied().unwrap_or(0)
    }

    /// Fills the places `from` to `to` of a group from the middle outwards: where the group begins
    /// for a place lies between where it begins for those left and right of it.
    fn fill(&mut self, group: usize, from: usize, to: usize, sums: &Sums) {
        let mut waiting = vec![(from, to)];
        while let Some((from, to)) = waiting.pop() {
            if from > to {
                continue;
            }
            let middle = usize::midpoint(from, to);
            self.fill_one(group, from, to, middle, sums);
            // The left half first, as each half looks at what lies beside it.
            waiting.push((middle + 1, to));
            if middle > 0 {
                waiting.push((from, middle - 1));
            }
        }
    }

    fn fill_one(&mut self, group: usize, from: usize, to: usize, place: usize, sums: &Sums) {
        let mut best = (self.cost(group - 1, place.wrapping_sub(1)), place);
        let mut low = group.max(self.start(group - 1, place));
        if from > group {
            low = low.max(self.start(group, from - 1));
        }
        let mut high = place.wrapping_sub(1);
        if to + 1 < self.count {
            high = high.min(self.start(group, to + 1));
        }
        // `place` is at least `group`, which is at least 1, so `high` did not wrap.
        let mut at = high;
        while at >= low {
            let alone = sums.cost(at, place);
            if alone + self.cost(group - 1, low - 1) >= best.0 {
                break;
            }
            let lowest = sums.cost(low, place) + self.cost(group - 1, low - 1);
            if lowest < best.0 {
                best = (lowest, low);
            }
            low += 1;
            let here = alone + self.cost(group - 1, at - 1);
            if here < best.0 {
                best = (here, at);
            }
            at -= 1;
        }
        self.set(group, place, best.0, best.1);
    }

    /// Where each group begins; a place behind the values for a group that is empty.
    fn starts(&self) -> Vec<usize> {
        let mut starts = vec![usize::MAX; self.start.len()];
        let mut to = self.count.checked_sub(1);
        for group in (0..self.start.len()).rev() {
            let Some(place) = to else { break };
            let start = self.start(group, place);
            if let Some(slot) = starts.get_mut(group).filter(|_| start <= place) {
                *slot = start;
            }
            to = start.checked_sub(1);
        }
        starts
    }
}

/// Natural breaks: of several equally good ones those that come last in the plain search.
pub(super) fn natural(sorted: &[f64], groups: usize) -> Vec<f64> {
    let Some(last) = sorted.last() else { return Vec::new() };
    let count = sorted.len();
    if count > PLAIN {
        return clusters(sorted, groups);
    }
    let width = groups + 1;
    // For the first `n` values in `g` groups, at n * width + g: the cost, and which value begins
    // the last group, counted from 1.
    let mut cost = vec![f64::INFINITY; (count + 1) * width];
    let mut start = vec![0_usize; (count + 1) * width];
    for group in 1..=groups {
        put(&mut cost, width + group, 0.0);
        put(&mut start, width + group, 1);
    }
    for n in 2..=count {
        let (mut sum, mut squares, mut spread) = (0.0, 0.0, 0.0);
        for size in 1..=n {
            let first = n - size + 1;
            let value = sorted.get(first - 1).copied().unwrap_or(0.0);
            sum += value;
            squares += value * value;
            spread = squares - sum * sum / size as f64;
            if first == 1 {
                continue;
            }
            for group in 2..=groups {
                let with = spread + cost.get((first - 1) * width + group - 1).copied().unwrap_or(f64::INFINITY);
                if cost.get(n * width + group).is_some_and(|before| *before >= with) {
                    put(&mut cost, n * width + group, with);
                    put(&mut start, n * width + group, first);
                }
            }
        }
        put(&mut cost, n * width + 1, spread);
        put(&mut start, n * width + 1, 1);
    }
    let mut breaks = vec![*last];
    let mut n = count;
    for group in (1..=groups).rev() {
        let Some(first) = start.get(n * width + group).copied().filter(|first| *first > 0) else { break };
        breaks.extend(sorted.get(first - 1));
        n = first - 1;
    }
    breaks.reverse();
    breaks
}

fn put<T>(list: &mut [T], at: usize, value: T) {
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}
