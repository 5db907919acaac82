import type {
  AuditFinding,
  AuditProof,
  AuditReport,
  Drift,
  FindingProof,
  Prediction,
  Severity,
} from '../../core/model/audit.js';
import { escapeText } from '../../core/text/escape.js';
import { lastingLines } from '../stories.js';

const words: Readonly<Record<Severity, string>> = { high: 'HIGH', medium: 'MEDIUM', low: 'LOW', info: 'INFO' };

const proofWords: Readonly<Record<FindingProof['outcome'], string>> = {
  shown: 'on the wire',
  'not-shown': 'not seen on the wire',
  open: 'not proved',
};

function findingText(finding: AuditFinding, proof: FindingProof | undefined): readonly string[] {
  return [
    `${words[finding.severity].padEnd(7)} ${finding.id}: ${finding.place} = ${finding.value}`,
    `          ${finding.text}`,
    ...(finding.probe === null ? [] : [`          shown by: class ${finding.probe}`]),
    ...(proof === undefined ? [] : [`          ${proofWords[proof.outcome]}: ${proof.text}`]),
    ...(finding.fix === null ? [] : [`          fix: ${finding.fix}`]),
    ...lastingLines(finding.lasting, '          '),
    `          read from: ${finding.readFrom}`,
  ];
}

function count(predictions: readonly Prediction[], reach: string): number {
  return predictions.filter((one) => one.reach === reach).reduce((sum, { pairs }) => sum + pairs, 0);
}

/** By class and reason: how many pairs would get it. */
function predictionText(predictions: readonly Prediction[]): readonly string[] {
  const classes = [...new Set(predictions.map((one) => one.class))];
  return classes.flatMap((name) => {
    const own = predictions.filter((one) => one.class === name);
    const first = own.find(({ reach }) => reach === 'yes') ?? own.find(({ reach }) => reach === 'unknown');
    return [
      `  ${name.padEnd(20)} yes ${count(own, 'yes')}, no ${count(own, 'no')}, unknown ${count(own, 'unknown')} of ${own.reduce((sum, { pairs }) => sum + pairs, 0)} pairs${first === undefined ? '' : `; e.g. ${first.from} → ${first.observer}: ${first.reach} (${first.why})`}`,
    ];
  });
}

/** Rows that contradict a rule do so in masses. */
const mostFaults = 20;

function alike(reasons: AuditProof['reasons'], step: string, code: string): string {
  const more = reasons.filter((one) => one.step === step && one.code === code).length - 1;
  return more === 0 ? '' : ` (and ${more} like it)`;
}

/** How predictions fared on the wire. */
function proofText({ classes, faults, reasons, evidence }: AuditProof): readonly string[] {
  return [
    '',
    'foretold and held against the wire:',
    ...classes.map(
      (one) => `  ${one.class.padEnd(20)} ${one.agrees} rows as foretold, ${one.differs} otherwise, ${one.open} open`,
    ),
    ...faults
      .slice(0, mostFaults)
      .map(
        (fault) =>
          `  THE RULE IS AT FAULT, the wire is right: ${fault.class} as ${fault.carrier}, ${fault.from} → ${fault.to ?? 'everybody'} at ${fault.observer}: foretold ${fault.foretold} (${fault.why}), seen ${fault.seen}; please report it`,
      ),
    ...(faults.length <= mostFaults ? [] : [`  … and ${faults.length - mostFaults} more: --json`]),
    ...reasons
      .filter((one, at) => reasons.findIndex(({ step, code }) => step === one.step && code === one.code) === at)
      .map(({ step, code, text }) => `  evidence is missing: ${step}: ${code}: ${text}${alike(reasons, step, code)}`),
    `  evidence: ${evidence}`,
  ];
}

/** An audit for people. `all`: findings below medium, and every setting, are told as well. */
export function auditText(report: AuditReport, all: boolean): string {
  const told = report.findings.filter(({ severity }) => all || severity === 'high' || severity === 'medium');
  const hidden = report.findings.length - told.length;
  const unknown = report.settings.filter(({ value }) => value === 'unknown');
  return [
    `bridges: ${report.bridges.join(', ') || 'none'}`,
    ...(told.length === 0
      ? ['nothing found at medium or above']
      : told.flatMap((finding) => findingText(finding, report.proof?.findings[report.findings.indexOf(finding)]))),
    ...(hidden === 0 ? [] : [`${hidden} more of low severity or for information: --all`]),
    ...(report.predictions.length === 0
      ? []
      : [
          '',
          'what one sends to others would reach a third (predicted from the state, not measured):',
          ...predictionText(report.predictions),
        ]),
    ...(report.proof === undefined ? [] : proofText(report.proof)),
    ...(unknown.length === 0
      ? []
      : [
          '',
          `unknown to this kernel: ${[...new Set(unknown.map(({ place }) => place.slice(place.lastIndexOf('.') + 1)))].join(', ')}`,
        ]),
    ...(all ? ['', ...report.settings.map(({ place, value }) => `  ${place} = ${value}`)] : []),
    ...report.unread.map(({ what, why }) => `could not be read: ${what}: ${why}`),
  ]
    .map(escapeText)
    .join('\n');
}

/** A drift as one line for people. */
export function driftText(drift: Drift, at: Date): string {
  return escapeText(
    `${at.toISOString()} ${drift.severity.toUpperCase().padEnd(6)} ${drift.code}: ${drift.place}: ${drift.before ?? 'nothing'} → ${drift.after ?? 'nothing'} (${drift.text})`,
  );
}
