//! Every expression of every dashboard and rule, and the series that it asks for.

use orbos_platform::{
    alerts::alerts,
    dashboards::{Dashboard, dashboards},
};
use promql_parser::{
    label::Matcher,
    parser::{self, Expr},
    util::{ExprVisitor, walk_expr},
};
use serde_json::Value;

/// An expression as Prometheus gets it, with variables replaced by values that match everything.
#[derive(Debug)]
pub(crate) struct Expression {
    /// Where it stands.
    pub(crate) place: String,
    pub(crate) text: String,
    /// What its answers are called.
    pub(crate) legend: String,
}

impl Expression {
    pub(crate) fn parse(&self) -> Result<Expr, String> {
        parser::parse(&self.text).map_err(|why| format!("{}: {why}\n{}", self.place, self.text))
    }
}

/// What a dashboard asks Prometheus, what its variables ask included.
pub(crate) fn of_dashboard(dashboard: &Dashboard) -> Vec<Expression> {
    let board = parsed(dashboard);
    let panels = list(&board["panels"]).filter(|it| it["datasource"]["type"] == "prometheus");
    let asked = panels.flat_map(|panel| {
        list(&panel["targets"]).map(|target| Expression {
            place: format!("{}: {}", dashboard.uid, text(&panel["title"])),
            text: substituted(dashboard, text(&target["expr"])),
            legend: target["legendFormat"].as_str().unwrap_or_default().to_owned(),
        })
    });
    let variables = list(&board["templating"]["list"]).filter(|it| it["type"] == "query");
    let chosen = variables.map(|it| {
        let query = text(&it["query"]["query"]);
        let inner = query.strip_prefix("label_values(").and_then(|it| it.strip_suffix(')'));
        let (series, label) =
            inner.and_then(|it| it.rsplit_once(", ")).expect("a variable lists values of a label");
        Expression {
            place: format!("{}: variable {}", dashboard.uid, text(&it["name"])),
            text: substituted(dashboard, &format!("count by ({label}) ({series})")),
            legend: format!("{{{{{label}}}}}"),
        }
    });
    asked.chain(chosen).collect()
}

/// What all dashboards and all rules ask.
pub(crate) fn all() -> Vec<Expression> {
    let rules = alerts().into_iter().flat_map(|group| {
        group.rules.into_iter().map(move |rule| Expression {
            place: format!("{}: {}", group.name, text(rule.get("alert").unwrap_or(&rule["record"]))),
            text: text(&rule["expr"]).to_owned(),
            legend: String::new(),
        })
    });
    dashboards().iter().flat_map(of_dashboard).chain(rules).collect()
}

fn substituted(dashboard: &Dashboard, expr: &str) -> String {
    let mut expr = expr.replace("$__rate_interval", "5m").replace("$__range", "1h");
    for variable in list(&parsed(dashboard)["templating"]["list"]) {
        expr = expr.replace(&format!("${}", text(&variable["name"])), ".*");
    }
    expr
}

pub(crate) fn parsed(dashboard: &Dashboard) -> Value {
    serde_json::from_str(&dashboard.json).expect("it is JSON")
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("it is a list").iter()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

/// Series that an expression asks for.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
}

fn selector(expr: &Expr) -> Option<Selector> {
    let it = match expr {
        Expr::VectorSelector(it) => it,
        Expr::MatrixSelector(it) => &it.vs,
        _ => return None,
    };
    let name = it.name.clone().expect("every series is asked for by its name");
    Some(Selector { name, matchers: it.matchers.matchers.clone() })
}

/// Gathers something from all parts of an expression.
struct Gathered<T>(fn(&Expr) -> Option<T>, Vec<T>);

impl<T> ExprVisitor for Gathered<T> {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        self.1.extend((self.0)(expr));
        Ok(true)
    }
}

/// What there is of something in an expression.
pub(crate) fn gather<T>(expr: &Expr, what: fn(&Expr) -> Option<T>) -> Vec<T> {
    let mut gathered = Gathered(what, Vec::new());
    walk_expr(&mut gathered, expr).expect("looking cannot fail");
    gathered.1
}

/// The series that an expression asks for.
pub(crate) fn selectors(expr: &Expr) -> Vec<Selector> {
    gather(expr, selector)
}
