import type { Drift } from '../../core/model/audit.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { runExits } from '../../core/model/verify-error.js';
import { escapeText } from '../../core/text/escape.js';
import { exposuresOf } from '../answer/exposures.js';
import { countRows, isUnacceptedLeak } from '../reported-leaks.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: (
    result: Result,
  ) => readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
  readonly unended?: number;
}

const ofRun =
  (value: (result: Result) => number): Metric['samples'] =>
  (result) => [{ labels: {}, value: value(result) }];
const ofSteps =
  (value: (step: StepResult) => number): Metric['samples'] =>
  (result) =>
    result.steps.map((step, at) => ({ labels: { step: String(at + 1), name: step.name }, value: value(step) }));
const sum = (step: StepResult, pick: (observer: StepResult['observers'][number]) => number): number =>
  step.observers.reduce((total, observer) => total + pick(observer), 0);

const metrics: readonly Metric[] = [
  {
    name: 'verdict',
    help: '1 for the verdict of the run: holds, broken or inconclusive.',
    samples: (result) =>
      (['holds', 'broken', 'inconclusive'] as const).map((verdict) => ({
        labels: { verdict },
        value: Number(result.verdict === verdict),
      })),
  },
  {
    name: 'as_expected',
    help: '1 where everything came out as the scenario expects.',
    samples: ofRun((result) => Number(result.asExpected)),
    unended: 0,
  },
  {
    name: 'exit_status',
    help: `Exit status of the run: ${runExits.map(({ status, short }) => `${status} ${short}`).join(', ')}.`,
    samples: ofRun((result) => result.exitCode),
  },
  {
    name: 'run_timestamp_seconds',
    help: 'When the run began.',
    samples: ofRun((result) => Date.parse(result.run.startedAt) / 1000),
  },
  {
    name: 'run_duration_seconds',
    help: 'How long the run took.',
    samples: ofRun((result) => result.run.durationMs / 1000),
  },
  {
    name: 'decided_timestamp_seconds',
    help: 'When a run began that came to holds or broken; none for an inconclusive one.',
    samples: (result) =>
      result.verdict === 'inconclusive' ? [] : [{ labels: {}, value: Date.parse(result.run.startedAt) / 1000 }],
  },
  {
    name: 'exposed',
    help: 'Things that any guest can try, by the default settings of a bridge.',
    samples: ofRun((result) => exposuresOf(result).length),
  },
  {
    name: 'leaks_by_cause',
    help: 'Rows that leaked and are not accepted, by their most specific cause.',
    samples: ({ steps }) => {
      const groups = steps.flatMap((step) => step.groups ?? []).filter(({ accepted }) => accepted === undefined);
      return [...new Set(groups.map(({ cause }) => cause))].map((cause) => ({
        labels: { cause },
        value: groups.reduce((total, group) => total + (group.cause === cause ? group.rows : 0), 0),
      }));
    },
  },
  { name: 'ports', help: 'Ports of the bridges under test.', samples: ofRun((result) => result.coverage.ports) },
  { name: 'ports_observed', help: 'Ports that were observed.', samples: ofRun((result) => result.coverage.observed) },
  {
    name: 'step_as_expected',
    help: '1 where the step came out as the scenario expects.',
    samples: ofSteps((step) => Number(step.asExpected)),
  },
  {
    name: 'step_leaks',
    help: 'Rows of the step that leaked and are not accepted.',
    samples: ofSteps(({ findings }) => countRows(findings.filter(isUnacceptedLeak))),
  },
  {
    name: 'step_controls_sent',
    help: 'Ear controls sent.',
    samples: ofSteps((step) => sum(step, (observer) => observer.controlsSent)),
  },
  {
    name: 'step_controls_seen',
    help: 'Ear controls seen.',
    samples: ofSteps((step) => sum(step, (observer) => observer.controlsSeen)),
  },
  {
    name: 'step_frames_dropped',
    help: 'Captured frames that the kernel dropped.',
    samples: ofSteps((step) => sum(step, (observer) => observer.dropped)),
  },
];

function label(text: string): string {
  return escapeText(text).replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`);
}

/** For node_exporter's textfile collector (Prometheus text format 0.0.4). */
export const prometheusReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string => {
  const total = runs.length + unended.length;
  return `${metrics
    .flatMap((metric) => {
      const sample = (scenario: string, run: number, labels: Readonly<Record<string, string>>, value: number): string =>
        `verify_isolation_${metric.name}{${Object.entries({
          scenario,
          ...(total > 1 ? { run: String(run + 1) } : {}),
          ...labels,
        })
          .map(([key, text]) => `${key}="${label(text)}"`)
          .join(',')}} ${value}`;
      const { unended: value } = metric;
      return [
        `# HELP verify_isolation_${metric.name} ${metric.help}`,
        `# TYPE verify_isolation_${metric.name} gauge`,
        ...runs.flatMap(({ result }, run) =>
          metric.samples(result).map((each) => sample(result.scenario.name, run, each.labels, each.value)),
        ),
        ...(value === undefined ? [] : unended.map(({ name }, at) => sample(name, runs.length + at, {}, value))),
      ];
    })
    .join('\n')}\n`;
};

export interface WatchMetrics {
  readonly readAt: Date;
  readonly bridges: readonly { readonly name: string; readonly promiscuity: number | null }[];
  readonly open: readonly Drift[];
  /** Since the start, by code. */
  readonly driftCounts: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<(typeof countNames)[number], number>>;
}

const countNames = ['reads', 'failures', 'events', 'overruns'] as const;
const countHelp: Readonly<Record<(typeof countNames)[number], string>> = {
  reads: 'Times that the state was read whole.',
  failures: 'Times that it could not be read.',
  events: 'Messages of the kernel that something changed.',
  overruns: 'Times that the kernel dropped such messages; after each the state is read whole.',
};

/** For node_exporter's textfile collector. */
export function watchMetrics({ readAt, bridges, open, driftCounts, counts }: WatchMetrics): string {
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
    ...Object.entries(driftCounts).map(
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
