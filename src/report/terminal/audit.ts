import type { AuditProof, AuditReport, Severity } from '../../core/model/audit.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { commandsLine } from '../answer/alternatives.js';
import { auditStories, type AuditStory, reachRows } from '../answer/audit-stories.js';
import { countText, setText, someText } from '../../core/text/names.js';
import { auditDetails, severityWords } from './audit-details.js';
import { cut, fitting, fold, foldAfter, heightOf, padEnd, widthOf } from './layout.js';
import { maxLines } from './short.js';

export interface AuditView {
  readonly width: number;
  readonly verbose: boolean;
  /** Includes `verbose`. */
  readonly showsAll: boolean;
  readonly exitStatus: number;
}

function count(report: AuditReport, ...of: readonly Severity[]): number {
  return report.findings.filter(({ severity }) => of.includes(severity)).length;
}

function receiversOf(story: AuditStory, { predictions }: AuditReport): string {
  const [row] = reachRows(predictions.filter((each) => each.class === story.probe && each.bridge === story.bridge));
  if (row === undefined || row.open === 0) return '';
  return `; ${row.receivers} would receive ${row.classes.join(', ')}`;
}

function answerText(report: AuditReport, stories: readonly AuditStory[]): string {
  const [worst] = stories;
  const bridges = setText(report.bridges);
  if (worst === undefined || (worst.severity !== 'high' && worst.severity !== 'medium'))
    return report.bridges.length === 0
      ? 'there is no bridge'
      : `nothing of high or medium severity was found at ${bridges}`;
  return `${severityWords[worst.severity]}: ${worst.phrase}${receiversOf(worst, report)}`;
}

function countsText(report: AuditReport, { exitStatus }: AuditView): string {
  const counts = [
    [count(report, 'high'), 'high'],
    [count(report, 'medium'), 'medium'],
    [count(report, 'low', 'info'), 'low or for information'],
  ] as const;
  const text = counts.filter(([number]) => number > 0).map(([number, word]) => `${countText(number)} ${word}`);
  return `${setText(report.bridges) || 'no bridge'}: findings ${text.join(', ') || 'none'}; exit status ${exitStatus}`;
}

function storyLines(story: AuditStory, width: number): readonly string[] {
  const line = commandsLine(story.fixes);
  return [
    ...foldAfter(severityWords[story.severity].padEnd(8), escapeText(`${story.id}: ${story.where}`), width),
    ...foldAfter('        ', escapeText(story.text), width),
    ...(line === '' ? [] : foldAfter('   fix  ', escapeText(line), width)),
    ...story.costs.flatMap((cost) => foldAfter('        ', escapeText(`costs: ${cost}`), width)),
  ];
}

const maxRows = 6;

function tableLines(report: AuditReport, width: number): readonly string[] {
  const rows = reachRows(report.predictions);
  if (rows.length === 0) return [];
  const cells = rows
    .slice(0, maxRows)
    .map(({ classes, receivers, barrier }) => [someText(classes, 1), receivers, barrier]);
  const head = ['sent to others', 'would receive it', 'what stops it'];
  const table = [head, ...cells].map((row) => row.map(escapeText));
  const [first, second] = [0, 1].map((at) => Math.max(...table.map((row) => widthOf(row[at] ?? ''))));
  return [
    '',
    ...table.map(([a = '', b = '', c = '']) =>
      cut(`${padEnd(a, first ?? 0)}  ${padEnd(b, second ?? 0)}  ${c}`.trimEnd(), width),
    ),
    ...(rows.length > maxRows ? [`and ${rows.length - maxRows} more: --verbose`] : []),
  ];
}

const maxFaults = 2;

function proofLines(proof: AuditProof | undefined, width: number): readonly string[] {
  if (proof === undefined) return [];
  const sum = (key: 'agrees' | 'differs' | 'open'): string =>
    countText(proof.classes.reduce((total, row) => total + row[key], 0));
  return [
    `on the wire: ${sum('agrees')} rows as predicted, ${sum('differs')} otherwise, ${sum('open')} open`,
    ...proof.faults
      .slice(0, maxFaults)
      .map(
        (fault) =>
          `the rule is at fault, the wire is right: ${fault.class}, ${fault.from} → ${fault.to ?? 'all'} at ${fault.observer}`,
      ),
    ...[...new Set(proof.reasons.map(({ code }) => code))].map((code) => `evidence is missing: ${code}`).slice(0, 2),
    `evidence: ${proof.evidence} (its steps claim nothing: replay gives no verdict)`,
  ].flatMap((line) => fold(escapeText(line), width));
}

function unreadLines({ unread }: AuditReport, width: number): readonly string[] {
  const [first] = unread;
  if (first === undefined) return [];
  const more = unread.length === 1 ? '' : ` and ${unread.length - 1} more`;
  return fold(escapeText(`could not be read: ${first.what}${more} (${first.why})`), width);
}

/** The answer first. */
export function auditText(report: AuditReport, view: AuditView): string {
  const { width } = view;
  const stories = auditStories(report.findings);
  const head = [
    ...fold(escapeText(answerText(report, stories)), width),
    ...fold(escapeText(countsText(report, view)), width),
    '',
  ];
  if (view.verbose || view.showsAll) return [...head, ...auditDetails(report, view.showsAll)].join('\n');
  const shown = stories.filter(({ severity }) => severity === 'high' || severity === 'medium');
  const below = [...new Set(stories.filter((story) => !shown.includes(story)).map(({ id }) => id))];
  const tail = [
    ...tableLines(report, width),
    ...(report.unread.length + (report.proof === undefined ? 0 : 1) === 0 ? [] : ['']),
    ...unreadLines(report, width),
    ...proofLines(report.proof, width),
  ];
  const last = [
    ...(below.length === 0 ? [] : [cut(`low or for information (--all): ${below.join(', ')}`, width)]),
    '--verbose: every fix, and how it comes to stay; explain ID: its meaning',
  ];
  const room = maxLines - heightOf([...head, ...tail, ...last], width);
  const { lines, remaining } = fitting(
    shown.map((story) => storyLines(story, width)),
    Math.max(3, room),
    width,
  );
  return [
    ...head,
    ...(shown.length === 0 ? [] : lines),
    ...(remaining === 0 ? [] : [`and ${counted(remaining, 'more finding')}: --verbose`]),
    ...tail,
    ...last,
  ].join('\n');
}
