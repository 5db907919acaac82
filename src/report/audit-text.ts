import type { AuditFinding, AuditReport, Prediction, Severity } from '../model/audit.js';
import { escapeText } from './escape-text.js';

const words: Readonly<Record<Severity, string>> = { high: 'HIGH', medium: 'MEDIUM', low: 'LOW', info: 'INFO' };

function findingText(finding: AuditFinding): readonly string[] {
  return [
    `${words[finding.severity].padEnd(7)} ${finding.id}: ${finding.place} = ${finding.value}`,
    `          ${finding.text}`,
    ...(finding.probe === null ? [] : [`          shown by: class ${finding.probe}`]),
    ...(finding.fix === null ? [] : [`          fix: ${finding.fix}`]),
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
    return [`  ${name.padEnd(20)} yes ${count(own, 'yes')}, no ${count(own, 'no')}, unknown ${count(own, 'unknown')} of ${own.reduce((sum, { pairs }) => sum + pairs, 0)} pairs${first === undefined ? '' : `; e.g. ${first.from} → ${first.observer}: ${first.reach} (${first.why})`}`];
  });
}

/** An audit for people. `all`: findings below medium, and every setting, are told as well. */
export function auditText(report: AuditReport, all: boolean): string {
  const told = report.findings.filter(({ severity }) => all || severity === 'high' || severity === 'medium');
  const hidden = report.findings.length - told.length;
  const unknown = report.settings.filter(({ value }) => value === 'unknown');
  return [
    `bridges: ${report.bridges.join(', ') || 'none'}`,
    ...(told.length === 0 ? ['nothing found at medium or above'] : told.flatMap(findingText)),
    ...(hidden === 0 ? [] : [`${hidden} more of low severity or for information: --all`]),
    ...(report.predictions.length === 0 ? [] : ['', 'what one sends to others would reach a third (predicted from the state, not measured):', ...predictionText(report.predictions)]),
    ...(unknown.length === 0 ? [] : ['', `unknown to this kernel: ${[...new Set(unknown.map(({ place }) => place.slice(place.lastIndexOf('.') + 1)))].join(', ')}`]),
    ...(all ? ['', ...report.settings.map(({ place, value }) => `  ${place} = ${value}`)] : []),
    ...report.unread.map(({ what, why }) => `could not be read: ${what}: ${why}`),
  ].map(escapeText).join('\n');
}
