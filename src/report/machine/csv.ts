import type { Finding } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import type { ReportedRun, Reporter, UnendedRun, View } from '../reporter.js';

const head = [
  ...['scenario', 'run', 'step', 'step_name', 'verdict', 'class', 'carrier', 'variant', 'vlan', 'from', 'to'],
  ...['observer', 'allowed', 'sent', 'seen', 'leak', 'accepted', 'rows'],
];

/**
 * A field of RFC 4180. A spreadsheet takes a text that begins with = + - or @ for a formula, and names come from
 * guests: these get an apostrophe.
 */
function field(value: string | number | boolean | null | undefined): string {
  const text = typeof value === 'string' ? escapeText(value).replace(/^(?=[=+\-@])/, "'") : String(value ?? '');
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function findingFields(finding: Finding): readonly (string | number | boolean | null)[] {
  const { class: name, carrier, variant = '', vlan, from, to, observer, allowed, sent, seen, leak } = finding;
  const isAccepted = finding.accepted !== undefined;
  return [name, carrier, variant, vlan.join('.'), from, to, observer, allowed, sent, seen, leak, isAccepted];
}

function rowsOf({ result, judged = result }: ReportedRun): readonly string[] {
  return judged.steps.flatMap((step, at) => {
    const start = [judged.scenario.name, judged.run.id, at + 1, step.name, step.verdict ?? 'not judged'];
    // A step without rows has a line of its own: an inconclusive step never disappears.
    const rows = step.findings.map((finding) => [...start, ...findingFields(finding), finding.grouped ?? 1]);
    return (rows.length === 0 ? [start] : rows).map((fields) => padded(fields));
  });
}

function padded(fields: readonly (string | number | boolean | null)[]): string {
  return [...fields, ...Array.from({ length: head.length - fields.length }, () => '')].map(field).join(',');
}

function unendedRow({ name }: UnendedRun): string {
  return padded([name, '', '', '', 'no result']);
}

/**
 * Comma-separated values (RFC 4180, but lines end with a line feed alone): a line for each flow and observer of each
 * step, zeros included. `rows`: this many flows are folded into the line.
 */
export const csvReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  [head.join(','), ...runs.flatMap(rowsOf), ...unended.map(unendedRow)].map((line) => `${line}\n`).join('');
