import type { FleetReport } from '../../core/model/fleet.js';
import { jsonText } from '../../core/text/json-text.js';
import type { View } from '../reporter.js';
import { fleetHtml } from './html.js';
import { fleetMarkdown } from './markdown.js';
import { fleetTerminal } from './terminal.js';

/** Ends with a line feed. */
export type FleetReporter = (report: FleetReport, view: View) => string;

export const fleetReporters = {
  terminal: fleetTerminal,
  json: (report: FleetReport) => `${jsonText(report, 2)}\n`,
  markdown: fleetMarkdown,
  html: fleetHtml,
} as const satisfies Readonly<Record<string, FleetReporter>>;

export const fleetReporterNames = [
  'terminal',
  'json',
  'markdown',
  'html',
] as const satisfies readonly (keyof typeof fleetReporters)[];
