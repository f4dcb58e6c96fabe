// check.mjs - type checks `dashboards.json` against Grafana's types, and reads its LogQL with Grafana's grammar.
import { readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { parser } from '@grafana/lezer-logql';

const dashboards = JSON.parse(readFileSync('dashboards.json', 'utf8'));
const wrong = [];
const lines = ["import type { Board, Panels, Variable } from './panels';"];
const value = (type, it) => lines.push(`((_: ${type}) => {})(${JSON.stringify(it, null, 1)});`);

for (const { panels, templating, ...board } of dashboards) {
  lines.push(`// ${board.uid}`);
  value('Board', board);
  templating.list.forEach((it) => value('Variable', it));
  for (const panel of panels) {
    value(`Panels['${panel.type}']`, panel);
    if (panel.type !== 'logs') continue;
    for (const { expr } of panel.targets) {
      // Variables are replaced before Loki sees them.
      parser.parse(expr.replaceAll(/\$\w+/g, 'a')).iterate({
        enter: ({ type, from }) => {
          if (type.isError) wrong.push(`${board.uid}: ${panel.title}: ${expr} at ${from}`);
        },
      });
    }
  }
}
writeFileSync('dashboards.ts', lines.join('\n'));

const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--target', 'es2022'];
try {
  execFileSync('node', ['node_modules/typescript/bin/tsc', ...options, 'dashboards.ts'], { encoding: 'utf8' });
} catch (error) {
  wrong.push(error.stdout || String(error));
}
if (wrong.length > 0) {
  process.stderr.write(`${wrong.join('\n')}\n`);
  process.exit(1);
}
