import { jsonText } from '../../core/text/json-text.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';

/** One run as `result.json`, several as `{ "results": [ … ] }`. `unended` lists runs without results. */
export const jsonReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string => {
  const [only] = runs;
  const document =
    runs.length === 1 && only !== undefined && unended.length === 0
      ? (only.judged ?? only.result)
      : { results: runs.map((run) => run.judged ?? run.result), ...(unended.length === 0 ? {} : { unended }) };
  return `${jsonText(document, 2)}\n`;
};

function events({ result: shown, judged: result = shown, details }: ReportedRun): readonly object[] {
  const run = result.run.id;
  const { tool, scenario, coverage, verdict, asExpected, exitCode } = result;
  return [
    { event: 'run-started', run, at: result.run.startedAt, tool, scenario },
    ...(details?.timeline ?? []).map((entry) => ({ ...entry, event: `timeline-${entry.event}`, run })),
    ...result.steps.flatMap((step, at) => [
      ...step.findings.map((finding) => ({ event: finding.leak ? 'leak' : 'row', run, step: at, finding })),
      ...step.reasons.map((reason) => ({ event: 'reason', run, step: at, reason })),
      {
        event: 'step-judged',
        run,
        step: at,
        name: step.name,
        verdict: step.verdict,
        expected: step.expected,
        asExpected: step.asExpected,
        entry: step.entry,
        observers: step.observers,
      },
    ]),
    { event: 'run-judged', run, verdict, asExpected, exitCode, coverage, durationMs: result.run.durationMs },
  ];
}

/** One JSON object a line: timeline, then judgement. */
export const ndjsonReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `${[...runs.flatMap(events), ...unended.map(({ name, why }) => ({ event: 'run-unended', scenario: name, why }))]
    .map((event) => jsonText(event))
    .join('\n')}\n`;
