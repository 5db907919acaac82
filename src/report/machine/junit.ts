import type { StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { failingStoriesOf, storyLine } from '../answer/alternatives.js';
import { storyText } from '../answer/answer.js';
import { causeStories } from '../answer/cause-stories.js';
import { audienceOf } from '../answer/participants.js';
import { type ReportedRun, type Reporter, stepSeconds, type UnendedRun, type View } from '../reporter.js';
import { unexpectedText } from '../word.js';

/** XML 1.0 cannot hold some characters. */
function xml(text: string): string {
  return escapeText(text)
    .replace(/[\ufffe\uffff]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Never skipped: a step without proof must not look green. */
function outcome(
  { result, details, dir }: ReportedRun,
  step: StepResult,
  at: number,
): { readonly tag: 'failure' | 'error'; readonly message: string; readonly detail: string } | null {
  if (step.asExpected) return null;
  const evidence = dir === null ? [] : [`evidence: ${dir}`];
  const reasons = step.reasons.map(
    (reason) => `${reason.code}${reason.observer === null ? '' : ` at ${reason.observer}`}: ${reason.text}`,
  );
  // A step without a claim fails for no leak: it did not come to its end.
  if (step.verdict === 'inconclusive' || step.verdict === null || step.expected === null)
    return { tag: 'error', message: 'inconclusive', detail: [...reasons, ...evidence].join(' | ') };
  const audience = audienceOf(result, details?.plan ?? null);
  const stories = failingStoriesOf(result, at);
  const [first] = stories;
  return {
    tag: 'failure',
    message: first === undefined ? unexpectedText(step) : `isolation is broken: ${storyText(first, audience)}`,
    detail: [...stories.map((story) => storyLine(story, audience)), ...reasons, ...evidence].join(' | '),
  };
}

function suite(run: ReportedRun): string {
  const { result, details } = run;
  if (!result.asExpected && result.steps.every(({ expected, asExpected }) => expected === null && asExpected))
    return unendedSuite({ name: result.scenario.name, why: 'nothing was judged: no step claims anything' });
  const cases = result.steps.flatMap((step, at) =>
    step.expected === null && step.asExpected
      ? []
      : [{ step, fault: outcome(run, step, at), seconds: stepSeconds(details, at) }],
  );
  const number = (tag: 'failure' | 'error'): number => cases.filter(({ fault }) => fault?.tag === tag).length;
  const lines = cases.map(({ step, fault, seconds }) => {
    const time = seconds === null ? '' : ` time="${seconds.toFixed(3)}"`;
    const head = `    <testcase classname="${xml(result.scenario.name)}" name="${xml(step.name)}"${time}`;
    if (fault === null) {
      const known = knownText(run, step);
      return known === null ? `${head}/>` : `${head}>\n      <system-out>${xml(known)}</system-out>\n    </testcase>`;
    }
    return `${head}>\n      <${fault.tag} message="${xml(fault.message)}">${xml(fault.detail)}</${fault.tag}>\n    </testcase>`;
  });
  const time = (result.run.durationMs / 1000).toFixed(3);
  return [
    `  <testsuite name="${xml(result.scenario.name)}" tests="${cases.length}" failures="${number('failure')}" errors="${number('error')}" skipped="0" time="${time}" timestamp="${xml(result.run.startedAt)}">`,
    ...lines,
    '  </testsuite>',
  ].join('\n');
}

function knownText({ result, details }: ReportedRun, step: StepResult): string | null {
  if (step.verdict !== 'broken' || step.expected !== 'holds') return null;
  const stories = causeStories({ ...result, steps: [step] });
  const audience = audienceOf(result, details?.plan ?? null);
  return stories.length === 0 ? null : stories.map((story) => storyLine(story, audience)).join(' | ');
}

/** A run without a verdict must not look green. */
function unendedSuite({ name, why }: UnendedRun): string {
  return [
    `  <testsuite name="${xml(name)}" tests="1" failures="0" errors="1" skipped="0">`,
    `    <testcase classname="${xml(name)}" name="the run">`,
    `      <error message="no result">${xml(why)}</error>`,
    '    </testcase>',
    '  </testsuite>',
  ].join('\n');
}

/** A test case for each judged step and each run without a result. */
export const junitReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${[...runs.map(suite), ...unended.map(unendedSuite)].join('\n')}\n</testsuites>\n`;
