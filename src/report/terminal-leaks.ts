import type { Finding, Result } from '../model/result.js';
import { escapeText } from './escape-text.js';
import { foldAfter } from './lay-out.js';
import type { Paint } from './paint.js';

const mostShown = 24;

/** Leaks of one pair at one observer, whatever carried them. */
function together(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings.filter((each) => each.leak)) {
    const key = JSON.stringify([finding.from, finding.to, finding.observer]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [finding]);
    else group.push(finding);
  }
  return [...groups.values()];
}

function describe(group: readonly Finding[], step: number, width: number, paint: Paint): readonly string[] {
  const [head] = group;
  if (head === undefined) return [];
  const counts = group.map((finding) => `${finding.seen}${finding.sent === null ? '' : ` of ${finding.sent}`} ${finding.carrier === 'native' ? finding.class : finding.carrier}`).join(', ');
  const frames = group.flatMap((finding) => (finding.firstSighting === null ? [] : [finding.firstSighting])).sort((a, b) => a.frame - b.frame);
  const [first] = frames;
  const where = first === undefined ? '' : `; first in frame ${first.frame}, ${escapeText(first.at)}`;
  const [accepted] = group.flatMap((finding) => (finding.accepted === undefined ? [] : [finding.accepted]));
  const causes = new Map(group.flatMap((finding) => finding.causes).map((cause) => [`${cause.code} ${cause.place}`, cause]));
  const inferred = group.some((finding) => finding.direction === 'inferred') ? '; direction inferred' : '';
  return [
    ...foldAfter(`  step ${step + 1}  `, `${escapeText(head.from)} → ${escapeText(head.to ?? 'all')} overheard by ${escapeText(head.observer)}: ${counts}${where}${inferred}`, width),
    ...(accepted === undefined ? [] : foldAfter('          ', `accepted: ${escapeText(accepted.reason)}${accepted.owner === null ? '' : `, ${escapeText(accepted.owner)}`}${accepted.until === null ? '' : `, until ${escapeText(accepted.until)}`}`, width)),
    ...[...causes.values()].flatMap((cause) => [
      ...foldAfter('          because ', escapeText(cause.text), width),
      ...(cause.fix === '' ? [] : [`          mend it: ${paint(escapeText(cause.fix), 'bold')}`]),
    ]),
  ];
}

/** What leaked: pair, observer, counts, first frame; nothing where nothing did. */
export function terminalLeaks(result: Result, width: number, paint: Paint): readonly string[] {
  const groups = result.steps.flatMap((step, index) => together(step.findings).map((group) => ({ group, index })));
  if (groups.length === 0) return [];
  const more = groups.length - mostShown;
  return [
    paint('What leaked', 'bold'),
    ...groups.slice(0, mostShown).flatMap(({ group, index }) => describe(group, index, width, paint)),
    ...(more > 0 ? [`  and ${more} more, all of them in result.json`] : []),
    '',
  ];
}
