//! Did you mean …?

/// The word that is most like the given one, if one is like it at all; for hints.
///
/// ```
/// assert_eq!(orbos_state::nearest("noeds", ["nodes", "pool"]), Some("nodes"));
/// assert_eq!(orbos_state::nearest("taints", ["nodes", "pool"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word_lower = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|it| (distance(&word_lower, &it.to_lowercase()), it))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, it)| it)
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(100).collect();
    let to: Vec<char> = to.chars().take(100).collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let same = from[i - 1] == to[j - 1];
            let mut best =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + usize::from(!same));
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["nodes", "pool", "provider", "taints"];
        assert_eq!(nearest("node", known), Some("nodes"));
        assert_eq!(nearest("noeds", known), Some("nodes"));
        assert_eq!(nearest("Provider", known), Some("provider"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("kubernetes", known), None);
    }
}
