import { upperBound95 } from '../../core/judge/rows/probe-row.js';
import type { Result, StepResult } from '../../core/model/result.js';
import type { Provenance, RunRecord } from '../../core/model/run-record.js';
import { limitsOf, methodStatement } from '../../core/plan/method-statement.js';
import { counted, nounFor } from '../../core/text/escape.js';
import { countText, listText, someText } from '../../core/text/names.js';
import { type Block, type Fact, factsOf, type Section, sectionOf, sentence } from '../document.js';
import { askedRulesText, lingerText, notAskedTexts, trustedTexts, witnessText } from '../limits.js';
import type { ReportedRun, RunDetails } from '../reporter.js';
import { sabotageText } from '../word.js';

type Observed = StepResult['observers'][number];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sumOf(observers: readonly Observed[], pick: (observer: Observed) => number): number {
  return sum(observers.map(pick));
}

function percent(share: number): string {
  return `${(Math.ceil(share * 10_000) / 100).toFixed(2)} %`;
}

function boundsOf(steps: readonly StepResult[]): readonly number[] {
  return steps.flatMap(({ findings }) =>
    findings.flatMap(({ seen, upperBound95: bound }) => (seen === 0 && bound !== null ? [bound] : [])),
  );
}

function maxOf(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}

/** A row of few frames is weak: a class's frames are pooled. */
const loose = 0.1;

function framesOfClass(steps: readonly StepResult[], name: string): number {
  const sums = new Map<string, number>();
  for (const { findings } of steps)
    for (const row of findings)
      if (row.class === name && row.allowed === 'no' && !row.leak)
        sums.set(row.observer, (sums.get(row.observer) ?? 0) + (row.sent ?? 0));
  return maxOf([...sums.values()]);
}

/** Small rows are pooled by class, as rounds ask each pair little. */
function boundOf(steps: readonly StepResult[]): { readonly text: string; readonly isPooled: boolean } | null {
  const bound = maxOf(boundsOf(steps.filter(({ verdict }) => verdict === 'holds')));
  const rows = steps.flatMap(({ findings }) => findings);
  const names = bound <= loose ? [] : [...new Set(rows.map((row) => row.class))];
  const pooled = names.flatMap((name) => {
    const frames = framesOfClass(steps, name);
    const leaks = rows.some((row) => row.class === name && row.leak);
    const share = leaks ? null : upperBound95(frames);
    return share === null ? [] : [`${percent(share)} of ${name} (${countText(frames)} ${nounFor(frames, 'frame')})`];
  });
  if (pooled.length > 0) return { text: `at most ${pooled.slice(0, 3).join(', ')} leaks`, isPooled: true };
  return bound === 0 ? null : { text: `at most ${percent(bound)} of such frames leak`, isPooled: false };
}

/** A run's bound as a sentence; null = no row has one. */
export function boundText({ steps }: Pick<Result, 'steps'>): string | null {
  const bound = boundOf(steps);
  if (bound === null) return null;
  return `${bound.text} ${bound.isPooled ? '(95 % confidence, all pairs of a class together)' : '(95 % confidence); more frames tighten it'}`;
}

/** Controls, entry, losses, settings and bound. */
export function stepProof(result: Result, index: number, details: RunDetails | null): string {
  const steps = result.steps.slice(index, index + 1);
  const [step] = steps;
  if (step === undefined || step.observers.length === 0) return '–';
  const { observers, entry } = step;
  const changes = step.reasons.filter(({ code }) => code === 'settings-changed').length;
  const states = details?.states[index];
  const isRead = states !== undefined && states.before !== null && states.after !== null;
  const settings = changes === 0 ? 'settings unchanged' : counted(changes, 'setting changed', 'settings changed');
  const bound = boundOf(steps);
  return [
    `ears ${sumOf(observers, ({ controlsSeen }) => controlsSeen)} of ${sumOf(observers, ({ controlsSent }) => controlsSent)}`,
    ...(entry.sent === 0 ? [] : [`entry ${entry.seen} of ${entry.sent}`]),
    `dropped ${sumOf(observers, ({ dropped }) => dropped)} of ${sumOf(observers, ({ received }) => received)}`,
    isRead ? settings : 'settings not read',
    ...(bound === null ? [] : [bound.text]),
  ].join(', ');
}

function portsText({ coverage }: Result, judged: readonly StepResult[]): string {
  const engines = new Set(judged.flatMap(({ observers }) => observers.flatMap(({ engine }) => engine ?? [])));
  return [
    `${coverage.observed} of ${coverage.ports} observed`,
    engines.size === 0 ? '' : `, engine ${listText([...engines])}`,
    ...coverage.unobserved.map(({ port, reason }) => `; not ${port}: ${reason}`),
  ].join('');
}

function earsText(judged: readonly StepResult[]): string {
  const observers = judged.flatMap((step) => step.observers);
  const short = observers
    .filter(({ controlsSeen, controlsSent }) => controlsSeen < controlsSent)
    .map(({ name, controlsSeen, controlsSent }) => `${name} ${controlsSeen} of ${controlsSent}`);
  // A bridge without an address in the sender's VLAN gets no entry control, and is not deaf.
  const deaf = judged.flatMap((step) =>
    step.observers
      .filter(
        ({ name, controlsSent, controlsSeen }) =>
          controlsSent > 0 && controlsSeen === 0 && step.reasons.some((reason) => reason.observer === name),
      )
      .map(({ name }) => name),
  );
  const [seen, sent] = [
    sumOf(observers, ({ controlsSeen }) => controlsSeen),
    sumOf(observers, ({ controlsSent }) => controlsSent),
  ];
  return `controls ${seen} of ${sent} seen${short.length > 0 ? ` (short: ${someText(short, 4)})` : ''}${deaf.length > 0 ? `; deaf: ${[...new Set(deaf)].join(', ')}` : ''}`;
}

function entryProof(judged: readonly StepResult[]): string {
  const sent = sum(judged.map(({ entry }) => entry.sent));
  const received = sum(judged.map(({ entry }) => entry.seen));
  if (sent === 0)
    return 'no controls; proved by what addressees got, left through the bridge device, or showed on the sender’s port';
  const byAddressees = judged.some(({ verdict, entry }) => verdict === 'holds' && entry.seen < entry.sent);
  return `controls ${received} of ${sent} received on the bridge${byAddressees ? '; the others entered by what addressees got' : ''}`;
}

function fact(name: string, text: string | null): readonly Fact[] {
  return text === null ? [] : [[name, text]];
}

/** Trust, time and unsent frames. */
export function limitFacts(result: Result): readonly Fact[] {
  const until = lingerText(result);
  return [
    ...trustedTexts(result).map((text): Fact => ['trusted', text]),
    ...fact('until', until === null ? null : `it ${until}`),
    ...notAskedTexts(result).map((text): Fact => ['not asked', text]),
  ];
}

function ruleFacts({ rules }: Result): readonly Fact[] {
  return (rules?.rules ?? []).flatMap(({ name, witnesses, notAsked = '', counter }): readonly Fact[] => {
    const count =
      counter === undefined ? '' : `; its counter, with guests' own frames: ${counter.before} to ${counter.after}`;
    return witnesses.length === 0
      ? [[name, `not asked: ${notAsked}${count}`]]
      : witnesses.map(
          (witness): Fact => [
            name,
            `${witnessText(witness)}: seen at ${witness.seenAt.join(', ') || 'no port'}${count}`,
          ],
        );
  });
}

function keptText(discarded: number): string {
  return `leaks, controls and what else is looked at closer; ${counted(discarded, 'frame was', 'frames were')} counted and not kept (--keep leaks, the default of large runs; in a mesh also leaks beyond the first 1000 at an observer)`;
}

function proofSection(result: Result, judged: readonly StepResult[]): readonly Section[] {
  const { evidence, calibration } = result;
  const observers = judged.flatMap((step) => step.observers);
  const rules = askedRulesText(result);
  const facts: readonly Fact[] = [
    ['ports', portsText(result, judged)],
    ['ears', earsText(judged)],
    ['entry', entryProof(judged)],
    [
      'losses',
      `${sumOf(observers, ({ dropped }) => dropped)} of ${sumOf(observers, ({ received }) => received)} captured frames dropped`,
    ],
    ...fact('kept', evidence.keep === undefined ? null : keptText(evidence.discarded ?? 0)),
    ...fact('bound', boundText(result)),
    ...fact(
      'planted',
      calibration === undefined
        ? null
        : `a leak planted in a lab on this kernel right before was seen: ${calibration.seen} of ${calibration.planted} frames`,
    ),
  ];
  const limits: readonly Fact[] = [
    ...limitFacts(result),
    ...(result.precheck ?? []).map(
      ({ code, place, value, text }): Fact => ['beside', `${code}: ${place} (${value}): ${text}`],
    ),
    ...fact('rules', rules === null ? null : rules.replace(/^rules: /, '')),
  ];
  return sectionOf({
    id: 'proof',
    title: judged.length === 0 ? 'Known without a verdict' : 'Proof of the zeros',
    short: 'Proof',
    depth: 'folded',
    blocks: [...factsOf(judged.length === 0 ? limits : [...facts, ...limits]), ...factsOf(ruleFacts(result))],
  });
}

const maxObservers = 40;

function listenedBlocks(step: StepResult, index: number): readonly Block[] {
  const facts = step.observers.map(({ name, interface: port, controlsSeen, controlsSent, dropped, received }): Fact => {
    const kept = step.findings.filter(({ observer, allowed }) => observer === name && allowed === 'no');
    const zeros = kept.filter(({ leak }) => !leak);
    const sent = sum(zeros.map((finding) => finding.sent ?? 0));
    const overheard = sum(kept.map(({ leak, seen }) => (leak ? seen : 0)));
    const heard = overheard === 0 ? '' : `, overheard ${overheard}`;
    const saw = zeros.length === 0 ? '' : `, saw 0 of ${sent}${overheard === 0 ? '' : ' others'}`;
    const counts = `controls ${controlsSeen} of ${controlsSent}, dropped ${dropped} of ${received}`;
    return [name, `at ${port}: ${counts}${heard}${saw}`];
  });
  if (facts.length === 0) return [];
  const heading = `step ${index + 1}  ${step.name}; entry controls ${step.entry.seen} of ${step.entry.sent}`;
  return [{ kind: 'heading', text: heading }, ...factsOf(facts, maxObservers)];
}

function whoText({ who }: Provenance): string {
  return [
    ...(who.operator === null ? [] : [who.operator]),
    `uid ${who.uid}`,
    ...(who.loginUid === null ? [] : [`logged in as uid ${who.loginUid}`]),
    ...(who.sudoUser === null ? [] : [`sudo by ${who.sudoUser}`]),
    ...(who.ticket === null ? [] : [`ticket ${who.ticket}`]),
  ].join(', ');
}

function clockText({ when }: Provenance): string {
  const clock = when.clock.before;
  if (clock === null) return 'clock not rated';
  return clock.synchronized ? `clock synchronized, within ${clock.maxErrorUs} µs` : 'clock not synchronized';
}

function whereText({ provider, runsAs }: RunRecord): string {
  return provider === 'lab'
    ? `a lab of network namespaces, as ${runsAs}: it shows what this kernel does with these settings`
    : `this host, as ${runsAs}`;
}

/** Host, operator, date, kernel, scope and method. */
export function headFacts({ result, details }: ReportedRun): readonly Fact[] {
  const { run, coverage, tool } = result;
  const record = details?.run;
  const known = record?.provenance;
  const bridges = details?.plan.bridges.map(({ name }) => name) ?? [];
  const endpoints =
    details === null ? '' : `${counted(details.plan.endpoints.length, 'endpoint')} on ${someText(bridges, 4)}; `;
  const unobserved = coverage.unobserved.map(({ port, reason }) => `${port} (${reason})`);
  const scope = `${endpoints}${coverage.observed} of ${counted(coverage.ports, 'port')} observed${unobserved.length === 0 ? '' : `, not ${someText(unobserved, 4)}`}`;
  return [
    ...fact(
      'host',
      known === undefined ? null : `${known.where.host}, ${known.where.distribution ?? 'distribution not reported'}`,
    ),
    ...fact('operator', known === undefined ? null : whoText(known)),
    [
      'date',
      `${run.startedAt.slice(0, 16).replace('T', ' ')} UTC, ${(run.durationMs / 1000).toFixed(1)} s${known === undefined ? '' : `, ${clockText(known)}`} · run ${run.id}`,
    ],
    ...fact('kernel', record === undefined ? null : `${record.kernel}, capture by ${record.engine}`),
    ['scope', scope],
    [
      'method',
      `frames with tokens sent as each endpoint, captured at every other port${record === undefined ? '' : `; ${whereText(record)}`}; ${tool.name} ${tool.version}`,
    ],
  ];
}

function provenanceSection(result: Result, details: RunDetails | null): readonly Section[] {
  const { scenario, tool, evidence } = result;
  const run = details?.run;
  const key =
    run?.key === null
      ? 'lost: tokens cannot be checked'
      : `revealed after the capture was closed; its SHA-256 ${details?.plan.keySha256 ?? ''} was written down before the first frame`;
  return sectionOf({
    id: 'provenance',
    title: 'The hashes',
    short: 'Hashes',
    depth: 'screen',
    blocks: [
      ...factsOf([
        ['scenario', `${scenario.name}, ${scenario.file}, SHA-256 ${scenario.sha256}`],
        ['program', `${tool.name} ${tool.version}, verdict rules ${tool.verdictRules}, ${sabotageText(result)}`],
        ...(run === undefined ? [] : [['Node', run.node] as const, ['key', key] as const]),
      ]),
      ...factsOf(evidence.files.map(({ path, sha256 }): Fact => [path, [{ code: sha256 }]])),
    ],
  });
}

/** Sentences on single steps are in run.json. */
function isOfRun(text: string): boolean {
  return !/^Step \d/.test(text);
}

function methodSection(details: RunDetails | null): readonly Section[] {
  const again = [
    'To judge the evidence again, on any machine: ',
    { code: 'verify-isolation replay DIR' },
    ', with the folder that this report lies in. It comes to the same result, byte for byte.',
  ];
  return sectionOf({
    id: 'method',
    title: 'Method and limits',
    short: 'Method and limits',
    depth: 'folded',
    blocks: [
      ...(details === null
        ? []
        : [...methodStatement(details.plan), ...limitsOf(details.plan)].filter(isOfRun).map(sentence)),
      sentence(again),
    ],
  });
}

/** The basis of the verdict. */
export function proofSections({ result, details }: ReportedRun): readonly Section[] {
  const judged = result.steps.filter((step) => step.observers.length > 0);
  return [
    ...sectionOf({
      id: 'listened',
      title: 'Who listened',
      depth: 'screen',
      blocks: result.steps.flatMap(listenedBlocks),
    }),
    ...proofSection(result, judged),
    ...provenanceSection(result, details),
    ...methodSection(details),
  ];
}
