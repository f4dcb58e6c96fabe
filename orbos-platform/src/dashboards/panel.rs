//! Panels: what is asked, and how the answer is shown.

use serde_json::{Map, Value, json};

use super::unit::{Unit, health_words, thresholds};
use crate::alerts::Limit;

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Stat,
    Gauge,
    Series,
    Table,
    Heatmap,
    Timeline,
    Logs,
}

/// One question, and what its answers are called.
#[derive(Clone, Debug)]
struct Query {
    expr: String,
    legend: String,
    unit: Unit,
    limit: Option<Limit>,
}

/// A panel; its place comes from the row that it is in.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    title: &'static str,
    about: &'static str,
    shown: Shown,
    unit: Unit,
    limit: Option<Limit>,
    queries: Vec<Query>,
    columns: Vec<(&'static str, &'static str)>,
    width: Option<u8>,
    stacked: bool,
    health: bool,
}

impl Panel {
    fn new(title: &'static str, shown: Shown, unit: Unit) -> Self {
        Self {
            title,
            about: "",
            shown,
            unit,
            limit: None,
            queries: Vec::new(),
            columns: Vec::new(),
            width: None,
            stacked: false,
            health: false,
        }
    }

    /// Asks something more; the legend may use labels as `{{label}}`. In a table the legend is a column's heading.
    pub(super) fn query(mut self, legend: &str, expr: impl Into<String>) -> Self {
        let query = Query { expr: expr.into(), legend: legend.to_owned(), unit: self.unit, limit: None };
        self.queries.push(query);
        self
    }

    /// The unit of the newest column of a table, if it is not that of the whole panel.
    pub(super) fn in_unit(mut self, unit: Unit) -> Self {
        if let Some(query) = self.queries.last_mut() {
            query.unit = unit;
        }
        self
    }

    /// The limit that the newest column of a table, or else the whole panel, is coloured by.
    pub(super) fn limit(mut self, limit: Limit) -> Self {
        match (self.shown, self.queries.last_mut()) {
            (Shown::Table, Some(query)) => query.limit = Some(limit),
            _ => self.limit = Some(limit),
        }
        self
    }

    /// What people read when they ask what it is.
    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// How many of the 24 columns it takes, instead of as many as is usual for its kind.
    pub(super) fn wide(mut self, width: u8) -> Self {
        self.width = Some(width);
        self
    }

    /// Series on top of each other.
    pub(super) fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Words and colours of `orbos:*:health`.
    pub(super) fn health(mut self) -> Self {
        self.health = true;
        self.limit = Some(crate::alerts::limits::HEALTH);
        self
    }

    /// Columns and lines that it takes on the grid.
    pub(super) fn size(&self) -> (u8, u8) {
        let (width, height) = match self.shown {
            Shown::Stat | Shown::Gauge => (4, 4),
            Shown::Series => (8, 7),
            Shown::Table | Shown::Heatmap => (12, 8),
            Shown::Timeline => (24, 6),
            Shown::Logs => (24, 9),
        };
        (self.width.unwrap_or(width), height)
    }

    /// The panel as Grafana has it, with its number and its place.
    pub(super) fn json(&self, id: usize, grid: Value) -> Value {
        let datasource = match self.shown {
            Shown::Logs => json!({ "type": "loki", "uid": "loki" }),
            _ => json!({ "type": "prometheus", "uid": "${datasource}" }),
        };
        let targets: Vec<_> = self.queries.iter().zip('A'..).map(|it| self.target(it, &datasource)).collect();
        let mut panel = json!({
            "id": id,
            "type": self.kind(),
            "title": self.title,
            "description": self.about,
            "datasource": datasource,
            "gridPos": grid,
            "fieldConfig": { "defaults": self.defaults(), "overrides": self.overrides() },
            "options": self.options(),
            "targets": targets,
        });
        if self.shown == Shown::Table {
            panel["transformations"] = self.transformations();
        }
        panel
    }

    fn kind(&self) -> &'static str {
        match self.shown {
            Shown::Stat => "stat",
            Shown::Gauge => "gauge",
            Shown::Series => "timeseries",
            Shown::Table => "table",
            Shown::Heatmap => "heatmap",
            Shown::Timeline => "state-timeline",
            Shown::Logs => "logs",
        }
    }

    fn target(&self, (query, id): (&Query, char), datasource: &Value) -> Value {
        let mut target = json!({
            "refId": id,
            "datasource": datasource,
            "editorMode": "code",
            "expr": query.expr,
        });
        let now = matches!(self.shown, Shown::Stat | Shown::Gauge | Shown::Table);
        let more = match self.shown {
            Shown::Logs => json!({ "queryType": "range" }),
            Shown::Table => json!({ "instant": now, "range": !now, "format": "table" }),
            Shown::Heatmap => {
                json!({ "instant": now, "range": !now, "format": "heatmap", "legendFormat": "{{le}}" })
            }
            _ => json!({ "instant": now, "range": !now, "legendFormat": query.legend }),
        };
        crate::parts::merge(&mut target, more);
        target
    }

    fn defaults(&self) -> Value {
        let color = match (self.limit, self.shown) {
            (_, Shown::Series) => "palette-classic",
            _ => "thresholds",
        };
        let mut defaults = json!({
            "unit": self.unit.name(),
            "color": { "mode": color },
            "thresholds": thresholds(self.limit),
        });
        let share = matches!(self.shown, Shown::Series | Shown::Gauge) && self.unit == Unit::Share;
        if share || self.shown == Shown::Series {
            defaults["min"] = json!(0);
        }
        if share && self.shown == Shown::Gauge {
            defaults["max"] = json!(1);
        }
        if self.health {
            defaults["mappings"] = health_words();
        }
        match self.shown {
            Shown::Series => {
                let stacking = if self.stacked { "normal" } else { "none" };
                let lines = if self.limit.is_some() { "dashed" } else { "off" };
                defaults["custom"] = json!({
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": if self.stacked { 30 } else { 10 },
                    "showPoints": "never",
                    "stacking": { "mode": stacking, "group": "A" },
                    "thresholdsStyle": { "mode": lines },
                });
            }
            Shown::Timeline => defaults["custom"] = json!({ "lineWidth": 0, "fillOpacity": 80 }),
            _ => {}
        }
        defaults
    }

    fn overrides(&self) -> Value {
        if self.shown != Shown::Table {
            return json!([]);
        }
        let column = |query: &Query| {
            let mut properties = vec![json!({ "id": "unit", "value": query.unit.name() })];
            if query.limit.is_some() {
                properties.push(json!({ "id": "thresholds", "value": thresholds(query.limit) }));
                properties.push(json!({ "id": "custom.cellOptions", "value": { "type": "color-text" } }));
            }
            json!({ "matcher": { "id": "byName", "options": query.legend }, "properties": properties })
        };
        self.queries.iter().filter(|it| !it.legend.is_empty()).map(column).collect::<Vec<_>>().into()
    }

    /// Answers side by side, one line for each combination of labels, with headings.
    fn transformations(&self) -> Value {
        let value = |id: char| match self.queries.len() {
            1 => "Value".to_owned(),
            _ => format!("Value #{id}"),
        };
        let labels = self.columns.iter().map(|(label, heading)| ((*label).to_owned(), *heading));
        let values = self.queries.iter().zip('A'..).map(|(query, id)| (value(id), query.legend.as_str()));
        // A value without a heading only says that the labels are there.
        let columns: Vec<_> = labels.chain(values.filter(|it| !it.1.is_empty())).collect();
        let shown: Vec<_> = columns.iter().map(|it| it.0.as_str()).collect();
        let order: Map<_, _> =
            shown.iter().zip(0..).map(|(name, at)| ((*name).to_owned(), json!(at))).collect();
        let names: Map<_, _> = columns.iter().map(|(name, heading)| (name.clone(), json!(heading))).collect();
        json!([
            { "id": "merge", "options": {} },
            { "id": "filterFieldsByName", "options": { "include": { "names": shown } } },
            { "id": "organize", "options": { "indexByName": order, "renameByName": names } },
        ])
    }

    fn options(&self) -> Value {
        let reduced = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self.shown {
            Shown::Stat => json!({
                "colorMode": if self.health { "background" } else { "value" },
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "reduceOptions": reduced,
                "textMode": "auto",
            }),
            Shown::Gauge => json!({
                "orientation": "auto",
                "reduceOptions": reduced,
                "showThresholdLabels": false,
                "showThresholdMarkers": true,
            }),
            Shown::Series => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Shown::Table => json!({ "showHeader": true, "cellHeight": "sm" }),
            Shown::Heatmap => json!({
                "calculate": false,
                "color": { "mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "steps": 64, "reverse": false },
                "exemplars": { "color": "rgba(255,0,255,0.7)" },
                "legend": { "show": true },
                "showValue": "never",
                "tooltip": { "mode": "single", "yHistogram": false },
                "yAxis": { "axisPlacement": "left", "unit": self.unit.name() },
            }),
            Shown::Timeline => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
                "tooltip": { "mode": "single", "sort": "none" },
                "mergeValues": true,
                "rowHeight": 0.9,
                "showValue": "never",
            }),
            Shown::Logs => json!({
                "dedupStrategy": "none",
                "enableLogDetails": true,
                "prettifyLogMessage": false,
                "showCommonLabels": false,
                "showLabels": false,
                "showTime": true,
                "sortOrder": "Descending",
                "wrapLogMessage": true,
            }),
        }
    }
}

/// One number.
pub(super) fn stat(title: &'static str, unit: Unit, expr: impl Into<String>) -> Panel {
    Panel::new(title, Shown::Stat, unit).query("", expr)
}

/// One number on a scale.
pub(super) fn gauge(title: &'static str, unit: Unit, expr: impl Into<String>) -> Panel {
    Panel::new(title, Shown::Gauge, unit).query("", expr)
}

/// Numbers over time; asks nothing yet.
pub(super) fn series(title: &'static str, unit: Unit) -> Panel {
    Panel::new(title, Shown::Series, unit)
}

/// Numbers by label, each label with its heading; asks nothing yet.
pub(super) fn table(title: &'static str, columns: &[(&'static str, &'static str)]) -> Panel {
    Panel { columns: columns.to_vec(), ..Panel::new(title, Shown::Table, Unit::Count) }
}

/// How often values of a histogram occur over time.
pub(super) fn heatmap(title: &'static str, unit: Unit, expr: impl Into<String>) -> Panel {
    Panel::new(title, Shown::Heatmap, unit).query("", expr)
}

/// States over time.
pub(super) fn timeline(title: &'static str, legend: &str, expr: impl Into<String>) -> Panel {
    Panel::new(title, Shown::Timeline, Unit::Count).query(legend, expr).health()
}

/// Lines that Loki has.
pub(super) fn logs(title: &'static str, expr: impl Into<String>) -> Panel {
    Panel::new(title, Shown::Logs, Unit::Count).query("", expr)
}
