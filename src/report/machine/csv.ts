import type { Finding, Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import type { ReportedRun, Reporter, UnendedRun, View } from '../reporter.js';

const head = [
  ...['scenario', 'run', 'step', 'step_name', 'verdict', 'class', 'carrier', 'variant', 'vlan', 'from', 'to'],
  ...['observer', 'allowed', 'sent', 'seen', 'leak', 'accepted', 'rows'],
];

/** RFC 4180. Spreadsheets run = + - or @ at the start as a formula, and guests choose names. */
function field(value: string | number | boolean | null | undefined): string {
  const text = typeof value === 'string' ? escapeText(value).replace(/^(?=[=+\-@])/, "'") : String(value ?? '');
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function findingFields(finding: Finding): readonly (string | number | boolean | null)[] {
  const { class: name, carrier, variant = '', vlan, from, to, observer, allowed, sent, seen, leak } = finding;
  const isAccepted = finding.accepted !== undefined;
  return [name, carrier, variant, vlan.join('.'), from, to, observer, allowed, sent, seen, leak, isAccepted];
}

/** One flow and observer of a step. `finding` null: a step without, such as an inconclusive one. */
export interface ResultRow {
  /** From 1. */
  readonly step: number;
  readonly name: string;
  readonly verdict: StepResult['verdict'];
  readonly finding: Finding | null;
}

/** In the plan's order, zeros included. Each step has at least one. */
export function rows({ steps }: Pick<Result, 'steps'>): readonly ResultRow[] {
  return steps.flatMap(({ name, verdict, findings }, at) =>
    (findings.length === 0 ? [null] : findings).map((finding) => ({ step: at + 1, name, verdict, finding })),
  );
}

function linesOf({ result, judged = result }: ReportedRun): readonly string[] {
  return rows(judged).map(({ step, name, verdict, finding }) =>
    padded([
      ...[judged.scenario.name, judged.run.id, step, name, verdict ?? 'not judged'],
      ...(finding === null ? [] : [...findingFields(finding), finding.grouped ?? 1]),
    ]),
  );
}

function padded(fields: readonly (string | number | boolean | null)[]): string {
  return [...fields, ...Array.from({ length: head.length - fields.length }, () => '')].map(field).join(',');
}

function unendedRow({ name }: UnendedRun): string {
  return padded([name, '', '', '', 'no result']);
}

/** RFC 4180, but line feeds only. `rows`: flows folded into the line. */
export const csvReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  [head.join(','), ...runs.flatMap(linesOf), ...unended.map(unendedRow)].map((line) => `${line}\n`).join('');
