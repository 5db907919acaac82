import type { AuditReport, Severity } from '../../core/model/audit.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { commandsLine } from '../answer/alternatives.js';
import { auditStories, type AuditStory } from '../answer/audit-stories.js';
import { countText, setText } from '../../core/text/names.js';
import { auditDetails, severityWords } from './audit-details.js';
import { cut, fitting, fold, foldAfter, heightOf } from './layout.js';
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

function answerText(report: AuditReport, stories: readonly AuditStory[]): string {
  const [worst] = stories;
  const bridges = setText(report.bridges);
  if (worst === undefined || (worst.severity !== 'high' && worst.severity !== 'medium'))
    return report.bridges.length === 0
      ? 'there is no bridge'
      : `nothing of high or medium severity was found at ${bridges}`;
  return `${severityWords[worst.severity]}: ${worst.phrase}`;
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
  const unread = unreadLines(report, width);
  const tail = unread.length === 0 ? [] : ['', ...unread];
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
