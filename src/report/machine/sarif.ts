import { isAuditId, isCauseCode, weaknessMeaning } from '../../core/bridge/weaknesses.js';
import type { LeakGroup, Result, StepResult } from '../../core/model/result.js';
import { isReasonCode, reasonHints } from '../../core/model/reasons.js';
import { escapeText } from '../../core/text/escape.js';
import { jsonText } from '../../core/text/json-text.js';
import { failingStoriesOf, storyLine } from '../answer/alternatives.js';
import { causeStories, type CauseStory } from '../answer/cause-stories.js';
import { type Exposure, exposuresOf } from '../answer/exposures.js';
import { type Audience, audienceOf } from '../answer/participants.js';
import type { ReportedRun, Reporter, UnendedRun, View } from '../reporter.js';
import { unexpectedText } from '../word.js';

const schema = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

interface Problem {
  readonly rule: string;
  readonly level: 'error' | 'note';
  readonly text: string;
  /** From 0. null = of the run. */
  readonly step: number | null;
  /** Equal in all runs. */
  readonly fingerprint: string;
  /** Absent = not accepted. */
  readonly accepted?: string;
}

/** Counts differ from run to run. */
function fingerprintOf({ cause, from, to, observers, classes }: LeakGroup): string {
  const lists: readonly (readonly (string | null)[])[] = [from, to, observers, classes];
  return [cause, ...lists.map((list) => list.map((name) => name ?? 'all').join(','))].join('|');
}

function leakProblem(story: CauseStory, step: number | null, audience: Audience): Problem {
  const { cause, accepted } = story.group;
  return {
    rule: cause,
    level: 'error',
    text: storyLine(story, audience),
    step,
    fingerprint: fingerprintOf(story.group),
    ...(accepted === undefined ? {} : { accepted: accepted.reason }),
  };
}

/** A step without proof must not pass by its level alone. */
function reasonProblems({ name, reasons }: StepResult, step: number): readonly Problem[] {
  return reasons.map(({ code, observer, text }) => ({
    rule: code,
    level: 'error',
    text: `INCONCLUSIVE${observer === null ? '' : ` at ${observer}`}: ${text}`,
    step,
    fingerprint: [code, observer ?? '', name].join('|'),
  }));
}

function stepProblems(result: Result, audience: Audience): readonly Problem[] {
  return result.steps.flatMap((step, at) => {
    if (step.asExpected) return [];
    const problems = [
      ...failingStoriesOf(result, at).map((story) => leakProblem(story, at, audience)),
      ...reasonProblems(step, at),
    ];
    if (problems.length > 0) return problems;
    const text = unexpectedText(step);
    return [{ rule: 'unexpected', level: 'error' as const, text, step: at, fingerprint: `unexpected|${step.name}` }];
  });
}

function exposureProblem({ what }: Exposure): Problem {
  return { rule: 'exposed', level: 'note', text: `EXPOSED: ${what}`, step: null, fingerprint: `exposed|${what}` };
}

function problemsOf({ result, judged = result, details }: ReportedRun): readonly Problem[] {
  const audience = audienceOf(judged, details?.plan ?? null);
  const known = causeStories(judged).filter(({ group }) => group.accepted !== undefined);
  return [
    ...stepProblems(judged, audience),
    ...known.map((story) => leakProblem(story, story.steps[0] ?? null, audience)),
    ...exposuresOf(judged).map(exposureProblem),
  ];
}

function meaningOf(rule: string): string {
  if (isReasonCode(rule)) return reasonHints[rule];
  if (isCauseCode(rule) || isAuditId(rule)) return weaknessMeaning(rule);
  if (rule === 'exposed') return 'A guest can do it by the design of a bridge; with run --strict it is a leak.';
  return rule === 'unexpected' ? 'A step did not come out as the scenario claims.' : 'No setting explains this leak.';
}

/** RFC 3986: relative paths stay relative, for code hosts. */
function uriOf(path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}

function resultOf(problem: Problem, rules: readonly string[], { result, details }: ReportedRun): object {
  const { rule, level, text, step, fingerprint, accepted } = problem;
  const startLine = step === null ? undefined : details?.plan.steps[step]?.line;
  const name = step === null ? undefined : result.steps[step]?.name;
  const physicalLocation = {
    artifactLocation: { uri: uriOf(result.scenario.file) },
    ...(startLine === undefined ? {} : { region: { startLine } }),
  };
  return {
    ruleId: rule,
    ruleIndex: rules.indexOf(rule),
    level,
    message: { text: escapeText(text) },
    locations: [
      {
        physicalLocation,
        ...(name === undefined ? {} : { logicalLocations: [{ name: escapeText(name), kind: 'step' }] }),
      },
    ],
    partialFingerprints: { 'verify-isolation/v1': escapeText(fingerprint) },
    ...(accepted === undefined ? {} : { suppressions: [{ kind: 'external', justification: escapeText(accepted) }] }),
  };
}

function runOf(reported: ReportedRun): object {
  const { result, judged = result } = reported;
  const problems = problemsOf(reported);
  const rules = [...new Set(problems.map(({ rule }) => rule))].sort();
  const startedMs = Date.parse(judged.run.startedAt);
  return {
    tool: {
      driver: {
        name: 'verify-isolation',
        version: judged.tool.version,
        rules: rules.map((id) => ({ id, shortDescription: { text: meaningOf(id) } })),
      },
    },
    automationDetails: { id: `${escapeText(judged.scenario.name)}/${judged.run.id}` },
    invocations: [
      {
        executionSuccessful: judged.verdict !== 'inconclusive',
        exitCode: reported.status ?? judged.exitCode,
        startTimeUtc: new Date(startedMs).toISOString(),
        endTimeUtc: new Date(startedMs + judged.run.durationMs).toISOString(),
      },
    ],
    results: problems.map((problem) => resultOf(problem, rules, reported)),
    properties: { verdict: judged.verdict },
  };
}

/** Must not look like a run without problems. */
function unendedRun({ name, why }: UnendedRun): object {
  const text = escapeText(`no result: ${name}: ${why}`);
  return {
    tool: { driver: { name: 'verify-isolation' } },
    invocations: [{ executionSuccessful: false, toolExecutionNotifications: [{ level: 'error', message: { text } }] }],
    results: [{ level: 'error', message: { text } }],
  };
}

/** SARIF 2.1.0 (OASIS). Known leaks are suppressed, EXPOSED is a note, INCONCLUSIVE an error. */
export const sarifReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `${jsonText({ $schema: schema, version: '2.1.0', runs: [...runs.map(runOf), ...unended.map(unendedRun)] }, 2)}\n`;
