// What a dashboard has to be: Grafana's own types, as they are once they are written as JSON.
import type { Dashboard, FieldConfigSource, Panel, VariableModel } from '@grafana/schema';
import type * as Gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as Timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as Series from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// In JSON a member of an enum is its value.
type Plain<T> = T extends string ? `${T}` : T extends number ? number : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

// Grafana fills in what is absent of a panel's options; the rest of a panel has to be there.
type Shown<Kind extends string, Options, Custom = Record<string, never>> = Plain<
  Omit<Panel, 'type' | 'options' | 'fieldConfig'> & Required<Pick<Panel, 'id' | 'title' | 'gridPos' | 'datasource' | 'targets'>>
> & {
  type: Kind;
  options: Plain<Partial<Options>>;
  fieldConfig: Plain<Omit<FieldConfigSource, 'defaults'>> & {
    defaults: Plain<Omit<FieldConfigSource['defaults'], 'custom'>> & { custom?: Plain<Partial<Custom>> };
  };
};

export type Panels = {
  stat: Shown<'stat', Stat.Options>;
  gauge: Shown<'gauge', Gauge.Options>;
  timeseries: Shown<'timeseries', Series.Options, Series.FieldConfig>;
  table: Shown<'table', Table.Options, Table.FieldConfig>;
  heatmap: Shown<'heatmap', Heatmap.Options, Heatmap.FieldConfig>;
  'state-timeline': Shown<'state-timeline', Timeline.Options, Timeline.FieldConfig>;
  logs: Shown<'logs', Logs.Options>;
  row: { type: 'row'; id: number; title: string; collapsed: false; panels: []; gridPos: { x: 0; y: number; w: 24; h: 1 } };
};
export type Board = Plain<Omit<Dashboard, 'panels' | 'templating'> & Required<Pick<Dashboard, 'uid' | 'title' | 'schemaVersion'>>>;
export type Variable = Plain<VariableModel>;
