import type { AuditFinding, AuditProof, AuditReport, FindingProof, Severity } from '../model/audit.js';
import type { Plan } from '../model/plan.js';
import type { Finding, Result } from '../model/result.js';
import type { HostState } from '../model/state.js';
import { auditStatus } from './audit.js';
import { type WireComparison, compareWithWire } from './compare-with-wire.js';
import { counted } from '../text/escape.js';

const concerned: Readonly<Record<string, 'from' | 'to'>> = {
  'not-locked': 'from',
  'mac-bypass': 'from',
  'learning-off': 'to',
};

interface ProvenRun {
  readonly plan: Plan;
  readonly result: Result;
  readonly before: readonly (HostState | null)[];
  readonly evidence: string;
  /** null = it was to be probed. */
  readonly leftOut: (probe: NonNullable<AuditFinding['probe']>) => string | null;
}

function findingProof(finding: AuditFinding, { plan, result, leftOut }: ProvenRun): FindingProof {
  const { id, place, probe } = finding;
  const open = (text: string): FindingProof => ({ id, place, outcome: 'open', text });
  if (probe === null) return open('no probe shows it');
  const why = leftOut(probe);
  if (why !== null) return open(`class ${probe} was not probed: ${why}`);
  const port = plan.endpoints.find(
    (endpoint) =>
      endpoint.port !== null &&
      (place === endpoint.port || place.startsWith(`${endpoint.port}.`) || place.endsWith(` dev ${endpoint.port}`)),
  )?.name;
  const side = concerned[id] ?? 'observer';
  const steps = result.steps.map((step) => ({
    ...step,
    rows: step.findings.filter(
      (row) => row.class === probe && row.allowed === 'no' && (port === undefined || row[side] === port),
    ),
  }));
  const rows = steps.flatMap((step) => step.rows);
  if (rows.length === 0)
    return open(`class ${probe} was not probed: no guest here could send it, or no address is on record`);
  const shown = rows.filter((row) => row.seen > 0);
  if (shown.length > 0)
    return {
      id,
      place,
      outcome: 'shown',
      text: `class ${probe}: ${counted(sum(shown), 'frame')} in ${shown.length} of ${counted(rows.length, 'row')} reached an endpoint that was not to get them`,
    };
  const unproved = steps.find((step) => step.rows.length > 0 && step.reasons.length > 0);
  return unproved === undefined
    ? { id, place, outcome: 'not-shown', text: `class ${probe}: nothing in ${counted(rows.length, 'row')}` }
    : open(`class ${probe}: nothing seen, but the evidence is not complete (${unproved.reasons[0]?.code ?? ''})`);
}

/** Frames that a thief took are a finding, no lack of evidence. */
function stolen(rows: readonly Finding[]): boolean {
  return rows.some((row) => row.leak && (row.class === 'mac-steal' || row.class === 'gateway-steal'));
}

function sum(rows: readonly Finding[]): number {
  return rows.reduce((total, { seen }) => total + seen, 0);
}

/** Adds a run's evidence to findings and predictions. */
export function withProof(report: AuditReport, run: ProvenRun): AuditReport & { readonly proof: AuditProof } {
  const rows = compareWithWire(run.plan, run.result, run.before);
  const count = (name: string, outcome: WireComparison['outcome']): number =>
    rows.filter((row) => row.class === name && row.outcome === outcome).length;
  const classes = [...new Set(rows.map((row) => row.class))].map((name) => ({
    class: name,
    agrees: count(name, 'agrees'),
    differs: count(name, 'differs'),
    open: count(name, 'open'),
  }));
  const faults = rows
    .filter(({ outcome }) => outcome === 'differs')
    .map(({ class: probe, carrier, from, to, observer, forecast, seen }) => ({
      class: probe,
      carrier,
      from,
      to,
      observer,
      foretold: forecast.reach,
      why: forecast.why,
      seen,
    }));
  return {
    ...report,
    proof: {
      evidence: run.evidence,
      classes,
      faults,
      findings: report.findings.map((finding) => findingProof(finding, run)),
      reasons: run.result.steps.flatMap((step) =>
        step.reasons
          .filter(({ code }) => !(code === 'delivery-short' && stolen(step.findings)))
          .map(({ code, text }) => ({ step: step.name, code, text })),
      ),
    },
  };
}

/**
 * Exit status: 2 = `auditStatus` or an unpredicted leak, 3 = evidence missing or unreadable, 4 = a predicted leak did
 * not show, else 0.
 */
export function proofStatus(report: AuditReport & { readonly proof: AuditProof }, failOn: Severity): number {
  const status = auditStatus(report, failOn);
  const { faults, reasons } = report.proof;
  if (status === 2 || faults.some(({ seen }) => seen > 0)) return 2;
  if (status === 3 || reasons.length > 0) return 3;
  return faults.length > 0 ? 4 : 0;
}
