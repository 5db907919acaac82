import { firstLines } from '../../core/text/names.js';
import { exposedWord } from '../answer/exposures.js';
import { escapeText } from '../../core/text/escape.js';
import type { ReportedRun, Reporter, UnendedRun, View } from '../reporter.js';
import { answerOf } from '../answer/answer.js';
import { failingStoriesOf, storyLine } from '../answer/alternatives.js';
import { causeStories } from '../answer/cause-stories.js';
import { audienceOf } from '../answer/participants.js';
import { missingProof } from '../reported-leaks.js';
import { unexpectedText } from '../word.js';

/** GitHub shows ten annotations of each kind for a step. */
const maxOfStep = 3;

/** Escaped as in actions/toolkit, command.ts. */
function message(text: string): string {
  return escapeText(text).replaceAll('%', '%25');
}
function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function annotations(run: ReportedRun): readonly string[] {
  const { result, details, dir } = run;
  const audience = audienceOf(result, details?.plan ?? null);
  const missing = missingProof(result);
  const known = causeStories(result).filter(({ group }) => group.accepted !== undefined);
  const lines = result.steps.flatMap((step, at) => {
    if (step.asExpected) return [];
    const reported = [
      ...failingStoriesOf(result, at).map((story) => storyLine(story, audience)),
      ...missing.filter((each) => each.step === at).map((each) => each.text),
    ];
    const texts = reported.length === 0 ? [unexpectedText(step)] : reported;
    const evidence = dir === null ? '' : message(` Evidence: ${dir}`);
    const line = details?.plan.steps[at]?.line;
    const head = `::error file=${property(result.scenario.file)}${line === undefined ? '' : `,line=${line}`},title=${property(`${step.verdict === 'broken' ? 'isolation is broken' : (step.verdict ?? 'not judged')}: ${step.name}`)}::`;
    const annotations = texts.map((text) => head + message(text) + evidence);
    return firstLines(annotations, maxOfStep, (more) => `${head}and ${more} more`);
  });
  const notices = known.map(
    (story) =>
      `::warning file=${property(result.scenario.file)},title=${property(`known leak: ${result.scenario.name}`)}::${message(storyLine(story, audience))}`,
  );
  return lines.length === 0
    ? [
        ...notices,
        `::notice file=${property(result.scenario.file)},title=${property(`${exposedWord(result).text}: ${result.scenario.name}`)}::${message(`${answerOf(run).sentence}; run ${result.run.id}`)}`,
      ]
    : [...lines, ...notices];
}

function unendedAnnotation({ name, why }: UnendedRun): string {
  return `::error title=${property(`no result: ${name}`)}::${message(why)}`;
}

/**
 * GitHub's annotations, at the scenario's line of the step. The job summary is the Markdown report: `--reporter
 * markdown="$GITHUB_STEP_SUMMARY"`.
 */
export const githubReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `${[...runs.flatMap(annotations), ...unended.map(unendedAnnotation)].join('\n')}\n`;
