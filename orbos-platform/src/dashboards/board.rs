//! Dashboards: rows of panels that flow over a grid of 24 columns, variables and links.

use serde_json::{Value, json};

use super::{Dashboard, panel::Panel};

const COLUMNS: u8 = 24;
/// What alerts mean is written here.
const RUNBOOKS: &str = "https://github.com/caos/orbos/blob/HEAD/orbos-platform/docs/runbooks.md";

/// A dashboard that is being put together.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) uid: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) tool: &'static str,
    pub(super) needs: &'static [&'static str],
    /// Variables that people choose from: their name, heading, and the series and label that have the values.
    pub(super) variables: Vec<(&'static str, &'static str, &'static str)>,
    /// Dashboards to go on with: title and uid.
    pub(super) related: &'static [(&'static str, &'static str)],
    /// Rows with their headings; a row without one has none.
    pub(super) rows: Vec<(&'static str, Vec<Panel>)>,
}

/// The variable that most dashboards have.
pub(super) const NAMESPACE: (&str, &str, &str) =
    ("namespace", "Namespace", "label_values(kube_pod_info, namespace)");

impl Board {
    /// The whole dashboard.
    pub(super) fn finish(self) -> Dashboard {
        let json = json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["orbos"],
            "schemaVersion": 42,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": { "from": "now-3h", "to": "now" },
            "timezone": "browser",
            "annotations": { "list": [] },
            "links": self.links(),
            "templating": { "list": self.variables() },
            "panels": self.panels(),
        });
        let Self { uid, title, tool, needs, .. } = self;
        Dashboard { uid, title, tool, needs, json: json.to_string().into() }
    }

    fn links(&self) -> Value {
        let link = |title: &str, url: &str| {
            json!({
                "type": "link", "title": title, "url": url, "icon": "external link", "tooltip": "", "tags": [],
                "asDropdown": false, "includeVars": true, "keepTime": true, "targetBlank": false,
            })
        };
        let mut links: Vec<_> =
            self.related.iter().map(|(title, uid)| link(title, &format!("/d/{uid}"))).collect();
        links.push(json!({
            "type": "dashboards", "title": "ORBOS", "url": "", "icon": "external link", "tooltip": "",
            "tags": ["orbos"], "asDropdown": true, "includeVars": false, "keepTime": true, "targetBlank": false,
        }));
        let mut runbooks = link("Runbooks", RUNBOOKS);
        for key in ["includeVars", "keepTime"] {
            runbooks[key] = json!(false);
        }
        runbooks["targetBlank"] = json!(true);
        links.push(runbooks);
        links.into()
    }

    fn variables(&self) -> Value {
        let source = json!({
            "name": "datasource", "type": "datasource", "label": "Data source", "query": "prometheus", "regex": "",
            "current": { "text": "Prometheus", "value": "prometheus" }, "hide": 0, "includeAll": false, "multi": false,
            "options": [], "refresh": 1,
        });
        let chosen = self.variables.iter().map(|(name, label, query)| {
            json!({
                "name": name, "type": "query", "label": label,
                "datasource": { "type": "prometheus", "uid": "${datasource}" },
                "query": { "query": query, "refId": name }, "regex": "", "sort": 1, "refresh": 2, "hide": 0,
                "multi": true, "includeAll": true, "allValue": ".*", "options": [],
                "current": { "text": "All", "value": "$__all" },
            })
        });
        [source].into_iter().chain(chosen).collect::<Vec<_>>().into()
    }

    /// Panels from left to right and then below, a heading above each row that has one.
    fn panels(&self) -> Value {
        let mut shown = Vec::new();
        let mut top = 0u32;
        for (title, panels) in &self.rows {
            if !title.is_empty() {
                let grid = json!({ "x": 0, "y": top, "w": COLUMNS, "h": 1 });
                shown.push(json!({
                    "id": shown.len() + 1, "type": "row", "title": title, "collapsed": false, "gridPos": grid,
                    "panels": [],
                }));
                top += 1;
            }
            let (mut left, mut below) = (0, 0);
            for panel in panels {
                let (width, height) = panel.size();
                if left + width > COLUMNS {
                    (left, top, below) = (0, top + below, 0);
                }
                let grid = json!({ "x": left, "y": top, "w": width, "h": height });
                shown.push(panel.json(shown.len() + 1, grid));
                left += width;
                below = below.max(u32::from(height));
            }
            top += below;
        }
        shown.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            panel::{series, stat},
            unit::Unit,
        },
        *,
    };

    #[test]
    fn panels_flow_to_the_right_and_then_below() {
        let small = || stat("", Unit::Count, "up").wide(10);
        let board = Board {
            uid: "a",
            title: "A",
            about: "",
            tool: "a",
            needs: &[],
            variables: Vec::new(),
            related: &[],
            rows: vec![
                ("", vec![small(), small(), small()]),
                ("Below", vec![series("", Unit::Count).query("", "up")]),
            ],
        };
        let json: Value = serde_json::from_str(&board.finish().json).expect("it is JSON");
        let places = json["panels"].as_array().expect("there are panels").iter().map(|it| {
            let grid = &it["gridPos"];
            format!("{} {} {}x{}", grid["x"], grid["y"], grid["w"], grid["h"])
        });
        assert_eq!(places.collect::<Vec<_>>(), ["0 0 10x4", "10 0 10x4", "0 4 10x4", "0 8 24x1", "0 9 8x7"]);
    }
}
