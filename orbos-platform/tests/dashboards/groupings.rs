//! Labels that expressions group and join by.

use promql_parser::parser::{Expr, LabelModifier};

use crate::expressions::{Selector, gather, selectors};

/// Labels that a part of an expression groups or joins by, and the series of that part.
#[derive(Debug)]
pub(crate) struct Grouping {
    pub(crate) labels: Vec<String>,
    pub(crate) of: Vec<Selector>,
}

fn grouping(expr: &Expr) -> Option<Grouping> {
    let modifier: &LabelModifier = match expr {
        Expr::Aggregate(it) => it.modifier.as_ref()?,
        Expr::Binary(it) => it.modifier.as_ref()?.matching.as_ref()?,
        _ => return None,
    };
    Some(Grouping { labels: modifier.labels().labels.clone(), of: selectors(expr) })
}

/// What an expression groups and joins by.
pub(crate) fn groupings(expr: &Expr) -> Vec<Grouping> {
    gather(expr, grouping)
}
