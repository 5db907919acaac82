import type { Finding, Result } from '../core/model/result.js';
import { countText } from '../core/text/names.js';

/** A leak, or missing proof, in one line. */
export interface Reported {
  /** From 0. */
  readonly step: number;
  readonly text: string;
}

/** True for a leak that is not accepted. */
export function isUnacceptedLeak({ leak, accepted }: Finding): boolean {
  return leak && accepted === undefined;
}

/** A folded row counts as all it stands for. */
export function countRows(findings: readonly Finding[]): number {
  return findings.reduce((sum, { grouped = 1 }) => sum + grouped, 0);
}

/** Flow, observer and frames. */
export function leakText(finding: Finding): string {
  const { seen, sent, grouped } = finding;
  const rows = grouped === undefined ? '' : ` (${countText(grouped)} rows)`;
  return `${overheardText(finding)}: ${seen}${sent === null ? '' : ` of ${sent}`}${rows}`;
}

/** Flow and observer. */
export function overheardText({ from, to, class: name, carrier, variant, vlan, observer }: Finding): string {
  const tags = vlan.length === 0 ? [] : [`VLAN ${vlan.join('.')}`];
  const kind = [name, carrier, ...(variant === undefined ? [] : [variant]), ...tags].join(', ');
  return `${from} to ${to ?? 'all'} (${kind}) overheard by ${observer}`;
}

/** Why expected verdicts are missing. */
export function missingProof(result: Result): readonly Reported[] {
  return result.steps.flatMap((step, at) =>
    step.asExpected
      ? []
      : step.reasons.map((reason) => ({
          step: at,
          text: `${reason.code}${reason.observer === null ? '' : ` at ${reason.observer}`}: ${reason.text}`,
        })),
  );
}
