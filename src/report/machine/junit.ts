import type { Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import type { ReportedRun, Reporter } from '../reporter.js';

/** Text for XML 1.0: what the format cannot hold is escaped first, its own marks after. */
function xml(text: string): string {
  return escapeText(text)
    .replace(/[\ufffe\uffff]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/**
 * Every judged step is passed, failed (a leak, or a claim that was not met) or in error (inconclusive); never skipped:
 * a step without proof must not look green.
 */
function outcome(
  step: StepResult,
): { readonly tag: 'failure' | 'error'; readonly message: string; readonly detail: string } | null {
  if (step.expected === null || step.asExpected) return null;
  const reasons = step.reasons.map(
    (reason) => `${reason.code}${reason.observer === null ? '' : ` at ${reason.observer}`}: ${reason.text}`,
  );
  if (step.verdict === 'inconclusive' || step.verdict === null)
    return { tag: 'error', message: 'inconclusive', detail: reasons.join(' | ') };
  const leaks = step.findings
    .filter((finding) => finding.leak)
    .map(
      (finding) =>
        `${finding.from} to ${finding.to ?? 'all'} (${finding.class}, ${finding.carrier}) at ${finding.observer}: ${finding.seen}${finding.sent === null ? '' : ` of ${finding.sent}`}`,
    );
  return {
    tag: 'failure',
    message: leaks.length > 0 ? 'isolation is broken' : `expected ${step.expected}, was ${step.verdict}`,
    detail: [...leaks, ...reasons].join(' | '),
  };
}

function suite(result: Result): string {
  const cases = result.steps.filter((step) => step.expected !== null).map((step) => ({ step, fault: outcome(step) }));
  const number = (tag: 'failure' | 'error'): number => cases.filter(({ fault }) => fault?.tag === tag).length;
  const lines = cases.map(({ step, fault }) => {
    const head = `    <testcase classname="${xml(result.scenario.name)}" name="${xml(step.name)}"`;
    return fault === null
      ? `${head}/>`
      : `${head}>\n      <${fault.tag} message="${xml(fault.message)}">${xml(fault.detail)}</${fault.tag}>\n    </testcase>`;
  });
  const time = (result.run.durationMs / 1000).toFixed(3);
  return [
    `  <testsuite name="${xml(result.scenario.name)}" tests="${cases.length}" failures="${number('failure')}" errors="${number('error')}" skipped="0" time="${time}" timestamp="${xml(result.run.startedAt)}">`,
    ...lines,
    '  </testsuite>',
  ].join('\n');
}

/** JUnit's XML, as CI systems read it: a test case for each judged step. */
export const junitReport: Reporter = (runs: readonly ReportedRun[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${runs.map((run) => suite(run.result)).join('\n')}\n</testsuites>\n`;
