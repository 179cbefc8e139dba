//! Quantiles as uMap's library finds them: by selection (Floyd and Rivest 1975) on a list that is
//! only partly put in order. A third of its answers are not the true quantiles but near ones, which
//! depend on the order of the list; maps are coloured by them, so the same steps are taken here.

/// Above so many values a sample narrows the selection, as in the paper.
const LARGE: usize = 600;

/// The least value, the borders of so many classes and the greatest value.
pub(super) fn quantiles(values: &[f64], classes: usize) -> Vec<f64> {
    if values.is_empty() || classes == 0 {
        return Vec::new();
    }
    let mut list = values.to_vec();
    let last = list.len() - 1;
    let places: Vec<f64> = (0..=classes).map(|part| place(list.len(), part, classes)).collect();
    let mut borders: Vec<f64> = places.clone();
    borders.extend([0.0, last as f64]);
    borders.sort_by(f64::total_cmp);
    let mut waiting = vec![(0, borders.len() - 1)];
    while let Some((low, high)) = waiting.pop() {
        if high - low <= 1 {
            continue;
        }
        let middle = usize::midpoint(low, high);
        let at = |border: usize| borders.get(border).copied().unwrap_or(0.0);
        let (from, to) = (down(at(low)), down(at(high).ceil()));
        let wanted = at(middle);
        select(&mut list, down(wanted), from, to);
        if wanted % 1.0 != 0.0 {
            select(&mut list, down(wanted) + 1, down(wanted) + 1, to);
        }
        waiting.push((low, middle));
        waiting.push((middle, high));
    }
    let value = |place: usize| list.get(place).copied().unwrap_or(f64::NAN);
    let read = |place: &f64| {
        if place % 1.0 == 0.0 {
            value(down(*place))
        } else {
            f64::midpoint(value(down(*place)), value(down(*place) + 1))
        }
    };
    places.iter().map(read).collect()
}

fn down(number: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let whole = number.max(0.0).floor() as usize;
    whole
}

/// Where a quantile stands in the ordered list; between two places where it is the middle of them.
fn place(count: usize, part: usize, parts: usize) -> f64 {
    if part == 0 {
        return 0.0;
    }
    if part == parts {
        return count.saturating_sub(1) as f64;
    }
    let at = count as f64 * (part as f64 / parts as f64);
    match () {
        () if at % 1.0 != 0.0 => at.ceil() - 1.0,
        () if count.is_multiple_of(2) => at - 0.5,
        () => at,
    }
}

/// Puts the value that belongs to `place` there, between `left` and `right`. A right border of 0
/// means the end of the list, as it does in the library.
fn select(list: &mut [f64], place: usize, left: usize, right: usize) {
    let (mut left, mut right) = (left, if right == 0 { list.len() - 1 } else { right });
    while right > left {
        if right - left > LARGE {
            let (count, rank) = ((right - left + 1) as f64, (place - left + 1) as f64);
            let log = count.ln();
            let size = 0.5 * (2.0 * log / 3.0).exp();
            let spread = 0.5 * (log * size * (count - size) / count).sqrt();
            let spread = if rank - count / 2.0 < 0.0 { -spread } else { spread };
            let new_left = left.max(down(place as f64 - rank * size / count + spread));
            let new_right = right.min(down(place as f64 + (count - rank) * size / count + spread));
            select(list, place, new_left, new_right);
        }
        let value = |list: &[f64], at: usize| list.get(at).copied().unwrap_or(f64::NAN);
        let pivot = value(list, place);
        let (mut low, mut high) = (left, right);
        swap(list, left, place);
        if value(list, right) > pivot {
            swap(list, left, right);
        }
        while low < high {
            swap(list, low, high);
            low += 1;
            high -= 1;
            while value(list, low) < pivot {
                low += 1;
            }
            while value(list, high) > pivot {
                high -= 1;
            }
        }
        if value(list, left) == pivot {
            swap(list, left, high);
        } else {
            high += 1;
            swap(list, high, right);
        }
        if high <= place {
            left = high + 1;
        }
        if place <= high {
            match high.checked_sub(1) {
                Some(before) => right = before,
                None => return,
            }
        }
    }
}

fn swap(list: &mut [f64], a: usize, b: usize) {
    if a < list.len() && b < list.len() {
        list.swap(a, b);
    }
}
