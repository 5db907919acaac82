import type { Finding, Result } from '../core/model/result.js';

/** A leak, or a reason why nothing is proven, in one line, with the step that it belongs to. */
export interface Reported {
  /** 0-based. */
  readonly step: number;
  readonly text: string;
}

/** `kali2 to lan (known-unicast, raw) overheard by kali3: 300 of 300` */
export function leakText(finding: Finding): string {
  return `${finding.from} to ${finding.to ?? 'all'} (${finding.class}, ${finding.carrier}${finding.vlan.length === 0 ? '' : `, VLAN ${finding.vlan.join('.')}`}) overheard by ${finding.observer}: ${finding.seen}${finding.sent === null ? '' : ` of ${finding.sent}`}`;
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
