import type { Finding, Result } from '../core/model/result.js';

/** A leak, or a reason why nothing is proven, in one line, with the step that it belongs to. */
export interface Reported {
  /** 0-based. */
  readonly step: number;
  readonly text: string;
}

/** `kali2 to lan (known-unicast, raw) overheard by kali3: 300 of 300`; of several kinds of frame also which. */
export function leakText(finding: Finding): string {
  const { from, to, class: name, carrier, variant, vlan, observer, seen, sent } = finding;
  const tags = vlan.length === 0 ? [] : [`VLAN ${vlan.join('.')}`];
  const kind = [name, carrier, ...(variant === undefined ? [] : [variant]), ...tags].join(', ');
  return `${from} to ${to ?? 'all'} (${kind}) overheard by ${observer}: ${seen}${sent === null ? '' : ` of ${sent}`}`;
}

/** The leaks that make a run fail: those of steps that did not come out as expected, accepted ones left out. */
export function failingLeaks(result: Result): readonly Reported[] {
  return result.steps.flatMap((step, at) =>
    step.asExpected
      ? []
      : step.findings
          .filter((finding) => finding.leak && finding.accepted === undefined)
          .map((finding) => ({ step: at, text: leakText(finding) })),
  );
}

/** Why steps that should have come to a verdict did not. */
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
