import type { AuditReport, Severity } from '../../core/model/audit.js';
import { escapeText } from '../../core/text/escape.js';
import { auditStories, type AuditStory } from '../answer/audit-stories.js';
import { settingText } from '../setting-text.js';
import { persistentBlocks } from '../stories.js';
import { printBlocks } from './blocks.js';
import { makePaint } from './layout.js';

export const severityWords: Readonly<Record<Severity, string>> = {
  high: 'HIGH',
  medium: 'MEDIUM',
  low: 'LOW',
  info: 'INFO',
};

function storyText(story: AuditStory): readonly string[] {
  const persistent = story.findings.flatMap((finding) => finding.lasting ?? []);
  return [
    `${severityWords[story.severity].padEnd(7)} ${story.id}: ${story.where}`,
    `          ${story.text}`,
    ...(story.probe === null ? [] : [`          shown by: class ${story.probe}`]),
    ...story.fixes.map((fix) => `          fix: ${fix}`),
    ...story.costs.map((cost) => `          costs: ${cost}`),
    ...printBlocks(persistentBlocks(persistent), Infinity, makePaint(false), '          '),
    `          read from: ${story.readFrom}`,
  ];
}

/** A complete audit for people. `isWhole`: also findings below medium, and every setting. */
export function auditDetails(report: AuditReport, isWhole: boolean): readonly string[] {
  const reported = report.findings.filter(({ severity }) => isWhole || severity === 'high' || severity === 'medium');
  const hidden = report.findings.length - reported.length;
  const unknown = report.settings.filter(({ value }) => value === 'unknown');
  return [
    ...auditStories(reported).flatMap((story) => storyText(story)),
    ...(hidden === 0 ? [] : [`${hidden} more of low severity or for information: --all`]),
    ...(unknown.length === 0
      ? []
      : [
          '',
          `unknown to this kernel: ${[...new Set(unknown.map(({ place }) => place.slice(place.lastIndexOf('.') + 1)))].join(', ')}`,
        ]),
    ...(isWhole ? ['', ...report.settings.map(({ place, value }) => `  ${place} = ${settingText(place, value)}`)] : []),
    ...report.unread.map(({ what, why }) => `could not be read: ${what}: ${why}`),
  ].map(escapeText);
}
