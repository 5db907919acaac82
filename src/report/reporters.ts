import { htmlReport } from './html/page.js';
import { githubReport } from './machine/github.js';
import { jsonReport, ndjsonReport } from './machine/json.js';
import { junitReport } from './machine/junit.js';
import { nagiosReport } from './machine/nagios.js';
import { prometheusReport } from './machine/prometheus.js';
import { markdownReport } from './markdown.js';
import type { Reporter } from './reporter.js';
import { terminalReport } from './terminal/terminal.js';

/** Every reporter by the name that `--reporter` takes. A new one is one file and one line here. */
export const reporters = {
  terminal: terminalReport,
  json: jsonReport,
  junit: junitReport,
  html: htmlReport,
  markdown: markdownReport,
  github: githubReport,
  prometheus: prometheusReport,
  ndjson: ndjsonReport,
  nagios: nagiosReport,
} as const satisfies Readonly<Record<string, Reporter>>;

export type ReporterName = keyof typeof reporters;

export function isReporterName(name: string): name is ReporterName {
  return Object.hasOwn(reporters, name);
}

export const reporterNames: readonly ReporterName[] = Object.keys(reporters).filter(isReporterName);
