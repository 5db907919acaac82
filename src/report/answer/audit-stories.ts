import { causePhrase } from '../../core/bridge/weaknesses.js';
import type { AuditFinding, Prediction } from '../../core/model/audit.js';
import { keyOfPlace, settingText } from '../setting-text.js';
import { groupBy } from '../../core/text/collections.js';
import { countText, setText } from '../../core/text/names.js';

/** Equal findings of several ports. */
export interface AuditStory extends Pick<AuditFinding, 'id' | 'severity' | 'bridge' | 'text' | 'probe' | 'readFrom'> {
  readonly findings: readonly AuditFinding[];
  readonly phrase: string;
  readonly where: string;
  /** Words for people if nothing can be pasted. */
  readonly fixes: readonly string[];
  readonly costs: readonly string[];
}

function whereText(findings: readonly AuditFinding[]): string {
  const [first] = findings;
  if (first === undefined) return '';
  if (findings.length === 1) return `${first.place} = ${settingText(first.place, first.value)}`;
  const key = keyOfPlace(first.place);
  const isSetting = findings.every(({ place }) => place.endsWith(`.${key}`));
  const devices = findings.map(({ place }) => (isSetting ? place.slice(0, -key.length - 1) : place));
  const value = settingText(first.place, first.value);
  return isSetting ? `${key} = ${value} at ${setText(devices)}` : `${value} at ${setText(devices)}`;
}

function phraseOf(findings: readonly AuditFinding[]): string {
  const [first] = findings;
  if (first === undefined) return '';
  const { id: code, value, text } = first;
  return causePhrase({ code, places: findings.map(({ place }) => place), value, text });
}

/** One story for all ports of a bridge, worst first. */
export function auditStories(findings: readonly AuditFinding[]): readonly AuditStory[] {
  // Values that say which process or rule it is are reported one by one.
  const groups = groupBy(findings, ({ id, severity, bridge, value, text }) =>
    JSON.stringify([id, severity, bridge, value, text]),
  );
  return [...groups.values()].flatMap((group): readonly AuditStory[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { id, severity, bridge, text, probe, readFrom } = first;
    return [
      {
        id,
        severity,
        bridge,
        text,
        probe,
        readFrom,
        findings: group,
        phrase: phraseOf(group),
        where: whereText(group),
        fixes: [...new Set(group.flatMap(({ fix }) => fix ?? []))],
        costs: [...new Set(group.flatMap(({ cost }) => cost ?? []))],
      },
    ];
  });
}

/** Classes with one prediction: receivers, and barriers. */
export interface ReachRow {
  readonly classes: readonly string[];
  readonly receivers: string;
  readonly barrier: string;
  /** Pairs that would leak. */
  readonly open: number;
}

function receiversText(predictions: readonly Prediction[]): string {
  const pairsOf = (reach: Prediction['reach']): number =>
    predictions.filter((each) => each.reach === reach).reduce((sum, { pairs }) => sum + pairs, 0);
  const [yes, no, unknown] = [pairsOf('yes'), pairsOf('no'), pairsOf('unknown')];
  if (yes > 0 && no + unknown === 0) return 'every other port';
  if (yes === 0 && unknown === 0) return 'nobody';
  if (yes === 0) return no === 0 ? 'not known' : `nobody; of ${countText(unknown)} not known`;
  const observers = new Set(predictions.filter(({ reach }) => reach === 'yes').map(({ observer }) => observer));
  return predictions.every(({ pairs }) => pairs === 1)
    ? setText([...observers])
    : `${countText(yes)} of ${countText(yes + no + unknown)} pairs`;
}

function barrierText({ why, from, observer, reach }: Prediction): string {
  const plain = why
    .replace(/^to \S+: /, '')
    .replaceAll(`${observer}.`, '')
    .replaceAll(`${from}.`, '')
    .replace(/^known on \S+/, 'known there');
  return reach === 'yes' ? `none (${plain.slice(plain.lastIndexOf('; ') + 1).trim()})` : plain;
}

/** Classes that behave alike share a row. Leaking ones come first. */
export function reachRows(predictions: readonly Prediction[]): readonly ReachRow[] {
  const rows = new Map<string, { classes: string[]; receivers: string; barrier: string; open: number }>();
  for (const [name, findings] of groupBy(predictions, (prediction) => prediction.class)) {
    const open = findings.filter(({ reach }) => reach === 'yes').reduce((sum, { pairs }) => sum + pairs, 0);
    const worst =
      findings.find(({ reach }) => reach === 'yes') ??
      findings.find(({ reach }) => reach === 'unknown') ??
      findings.at(0);
    const [receivers, barrier] = [receiversText(findings), worst === undefined ? '' : barrierText(worst)];
    const key = `${receivers}\n${barrier}`;
    const known = rows.get(key);
    if (known === undefined) rows.set(key, { classes: [name], receivers, barrier, open });
    else known.classes.push(name);
  }
  return [...rows.values()].sort((a, b) => Number(b.open > 0) - Number(a.open > 0));
}
