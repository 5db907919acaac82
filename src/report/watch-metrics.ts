import type { Drift } from '../model/drift.js';

export interface WatchMetrics {
  readonly readAt: Date;
  readonly bridges: readonly { readonly name: string; readonly promiscuity: number | null }[];
  /** What differs from the baseline now. */
  readonly open: readonly Drift[];
  /** Drifts since the start, by code. */
  readonly seen: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<(typeof countNames)[number], number>>;
}

const countNames = ['reads', 'failures', 'events', 'overruns'] as const;
const countHelp: Readonly<Record<(typeof countNames)[number], string>> = {
  reads: 'Times that the state was read whole.',
  failures: 'Times that it could not be read.',
  events: 'Messages of the kernel that something changed.',
  overruns: 'Times that the kernel dropped such messages; after each the state is read whole.',
};

/**
 * A label's value as the exposition format wants it: backslash, quote and newline escaped; other control characters
 * cannot stand in a name that is shown.
 */
function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** The metrics of a watch in Prometheus' text format, for the textfile collector of node_exporter. */
export function watchMetrics({ readAt, bridges, open, seen, counts }: WatchMetrics): string {
  const severities = ['info', 'low', 'medium', 'high'] as const;
  const lines = [
    '# HELP verify_isolation_watch_last_read_timestamp_seconds When the state was last read whole.',
    '# TYPE verify_isolation_watch_last_read_timestamp_seconds gauge',
    `verify_isolation_watch_last_read_timestamp_seconds ${readAt.getTime() / 1000}`,
    '# HELP verify_isolation_watch_drift_open Things that differ from the baseline now.',
    '# TYPE verify_isolation_watch_drift_open gauge',
    ...severities.map(
      (severity) =>
        `verify_isolation_watch_drift_open{severity="${severity}"} ${open.filter((drift) => drift.severity === severity).length}`,
    ),
    '# HELP verify_isolation_watch_drift_total Drifts since the start.',
    '# TYPE verify_isolation_watch_drift_total counter',
    ...Object.entries(seen).map(
      ([code, count]) => `verify_isolation_watch_drift_total{code="${label(code)}"} ${count}`,
    ),
    '# HELP verify_isolation_watch_bridge_promiscuity Handles that hold a bridge device promiscuous; rests at 0.',
    '# TYPE verify_isolation_watch_bridge_promiscuity gauge',
    ...bridges
      .filter(({ promiscuity }) => promiscuity !== null)
      .map(
        ({ name, promiscuity }) =>
          `verify_isolation_watch_bridge_promiscuity{bridge="${label(name)}"} ${promiscuity ?? 0}`,
      ),
    ...countNames.flatMap((name) => [
      `# HELP verify_isolation_watch_${name}_total ${countHelp[name]}`,
      `# TYPE verify_isolation_watch_${name}_total counter`,
      `verify_isolation_watch_${name}_total ${counts[name]}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
