import type { Result } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { exposedText } from '../answer/exposures.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';
import { countFailingLeaks, failingLeaks, missingProof } from '../reported-leaks.js';

/** `|` begins the performance data. */
function plain(text: string): string {
  return escapeText(text).replaceAll('|', '/');
}

/** The plugin API (Monitoring Plugins guidelines, 2.4) has no 4, but it is no pass. */
function state(runs: readonly ReportedRun[], { status, unended = [] }: View): string {
  const exits = [...runs.map(({ result }) => result.exitCode), ...[status ?? []].flat()];
  if (exits.includes(2)) return 'CRITICAL';
  if (exits.includes(4) && !exits.some((exit) => exit !== 0 && exit !== 4)) return 'WARNING';
  return exits.every((exit) => exit === 0) && runs.length > 0 && unended.length === 0 ? 'OK' : 'UNKNOWN';
}

function summary(result: Result): string {
  const [leak] = failingLeaks(result);
  const [missing] = missingProof(result);
  const parts = [
    `${result.scenario.name} ${result.verdict}${result.asExpected ? ' as expected' : ''}`,
    ...[leak?.text ?? missing?.text ?? []].flat(),
    ...[exposedText(result)].filter((text) => text !== ''),
  ];
  return plain(parts.join(', '));
}

/** One line with performance data. Exit status 0, 2 or 3 is the state. */
export const nagiosReport: Reporter = (runs: readonly ReportedRun[], view: View): string => {
  const results = runs.map(({ result }) => result);
  const total = (pick: (result: Result) => number): number => results.reduce((sum, result) => sum + pick(result), 0);
  const dropped = total((result) =>
    result.steps.flatMap((step) => step.observers).reduce((sum, observer) => sum + observer.dropped, 0),
  );
  const data = [
    `leaks=${total(countFailingLeaks)};;0`,
    `unobserved_ports=${total((result) => result.coverage.ports - result.coverage.observed)}`,
    `dropped=${dropped}`,
    `duration=${(total((result) => result.run.durationMs) / 1000).toFixed(1)}s`,
  ];
  const texts = [
    ...results.map(summary),
    ...(view.unended ?? []).map(({ name, why }) => plain(`${name} no result, ${why}`)),
  ];
  return `ISOLATION ${state(runs, view)} - ${texts.join('; ')} | ${data.join(' ')}\n`;
};
