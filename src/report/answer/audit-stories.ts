import { causePhrase } from '../../core/bridge/weaknesses.js';
import type { AuditFinding } from '../../core/model/audit.js';
import { keyOfPlace, settingText } from '../setting-text.js';
import { groupBy } from '../../core/text/collections.js';
import { setText } from '../../core/text/names.js';

/** Equal findings of several ports. */
export interface AuditStory extends Pick<AuditFinding, 'id' | 'severity' | 'text' | 'probe' | 'readFrom'> {
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
    const { id, severity, text, probe, readFrom } = first;
    return [
      {
        id,
        severity,
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
