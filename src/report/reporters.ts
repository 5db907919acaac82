import type { Reporter } from './reporter.js';

/** Loaded on use: help and completion need only names. */
export const reporters = {
  terminal: async () => (await import('./terminal/terminal.js')).terminalReport,
  json: async () => (await import('./machine/json.js')).jsonReport,
  junit: async () => (await import('./machine/junit.js')).junitReport,
  html: async () => (await import('./html/page.js')).htmlReport,
  markdown: async () => (await import('./markdown.js')).markdownReport,
  github: async () => (await import('./machine/github.js')).githubReport,
  prometheus: async () => (await import('./machine/prometheus.js')).prometheusReport,
  ndjson: async () => (await import('./machine/json.js')).ndjsonReport,
  sarif: async () => (await import('./machine/sarif.js')).sarifReport,
  csv: async () => (await import('./machine/csv.js')).csvReport,
} as const satisfies Readonly<Record<string, () => Promise<Reporter>>>;

export type ReporterName = keyof typeof reporters;

export function isReporterName(name: string): name is ReporterName {
  return Object.hasOwn(reporters, name);
}

export const reporterNames: readonly ReporterName[] = Object.keys(reporters).filter(isReporterName);
