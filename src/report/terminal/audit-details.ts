import { firstLines } from '../../core/text/names.js';
import type { AuditProof, AuditReport, FindingProof, Prediction, Severity } from '../../core/model/audit.js';
import { counted, escapeText } from '../../core/text/escape.js';
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

const proofWords: Readonly<Record<FindingProof['outcome'], string>> = {
  shown: 'on the wire',
  'not-shown': 'not seen on the wire',
  open: 'not proved',
};

function proofLines(story: AuditStory, { findings, proof }: AuditReport): readonly string[] {
  const proofs = story.findings.flatMap((finding) => proof?.findings[findings.indexOf(finding)] ?? []);
  return [...new Set(proofs.map(({ outcome, text }) => `${proofWords[outcome]}: ${text}`))];
}

function storyText(story: AuditStory, report: AuditReport): readonly string[] {
  const persistent = story.findings.flatMap((finding) => finding.lasting ?? []);
  return [
    `${severityWords[story.severity].padEnd(7)} ${story.id}: ${story.where}`,
    `          ${story.text}`,
    ...(story.probe === null ? [] : [`          shown by: class ${story.probe}`]),
    ...proofLines(story, report).map((line) => `          ${line}`),
    ...story.fixes.map((fix) => `          fix: ${fix}`),
    ...story.costs.map((cost) => `          costs: ${cost}`),
    ...printBlocks(persistentBlocks(persistent), Infinity, makePaint(false), '          '),
    `          read from: ${story.readFrom}`,
  ];
}

function count(predictions: readonly Prediction[], reach: string): number {
  return predictions.filter((prediction) => prediction.reach === reach).reduce((sum, { pairs }) => sum + pairs, 0);
}

function predictionText(predictions: readonly Prediction[]): readonly string[] {
  const classes = [...new Set(predictions.map((prediction) => prediction.class))];
  return classes.flatMap((name) => {
    const ofClass = predictions.filter((prediction) => prediction.class === name);
    const first = ofClass.find(({ reach }) => reach === 'yes') ?? ofClass.find(({ reach }) => reach === 'unknown');
    return [
      `  ${name.padEnd(20)} yes ${count(ofClass, 'yes')}, no ${count(ofClass, 'no')}, unknown ${count(ofClass, 'unknown')} of ${ofClass.reduce((sum, { pairs }) => sum + pairs, 0)} pairs${first === undefined ? '' : `; e.g. ${first.from} → ${first.observer}: ${first.reach} (${first.why})`}`,
    ];
  });
}

const maxFaults = 20;

function alike(reasons: AuditProof['reasons'], step: string, code: string): string {
  const more = reasons.filter((reason) => reason.step === step && reason.code === code).length - 1;
  return more === 0 ? '' : ` (and ${more} like it)`;
}

function proofText({ classes, faults, reasons, evidence }: AuditProof): readonly string[] {
  return [
    '',
    'predicted and held against the wire:',
    ...classes.map(
      (agreement) =>
        `  ${agreement.class.padEnd(20)} ${counted(agreement.agrees, 'row')} as predicted, ${agreement.differs} otherwise, ${agreement.open} open`,
    ),
    ...firstLines(
      faults.map(
        (fault) =>
          `  THE RULE IS AT FAULT, the wire is right: ${fault.class} as ${fault.carrier}, ${fault.from} → ${fault.to ?? 'all'} at ${fault.observer}: predicted ${fault.foretold} (${fault.why}), seen ${fault.seen}; please report it`,
      ),
      maxFaults,
      (more) => `  and ${more} more: --json`,
    ),
    ...reasons
      .filter(
        (reason, at) => reasons.findIndex(({ step, code }) => step === reason.step && code === reason.code) === at,
      )
      .map(({ step, code, text }) => `  evidence is missing: ${step}: ${code}: ${text}${alike(reasons, step, code)}`),
    `  evidence: ${evidence} (its steps claim nothing: replay gives no verdict)`,
  ];
}

/** A complete audit for people. `isWhole`: also findings below medium, and every setting. */
export function auditDetails(report: AuditReport, isWhole: boolean): readonly string[] {
  const reported = report.findings.filter(({ severity }) => isWhole || severity === 'high' || severity === 'medium');
  const hidden = report.findings.length - reported.length;
  const unknown = report.settings.filter(({ value }) => value === 'unknown');
  return [
    ...auditStories(reported).flatMap((story) => storyText(story, report)),
    ...(hidden === 0 ? [] : [`${hidden} more of low severity or for information: --all`]),
    ...(report.predictions.length === 0
      ? []
      : [
          '',
          'frames between two would reach a third (predicted from the state, not measured):',
          ...predictionText(report.predictions),
        ]),
    ...(report.proof === undefined ? [] : proofText(report.proof)),
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
