import type { Finding } from '../core/model/result.js';
import { numbering } from './numbering.js';

function isSameKind(a: Finding, b: Finding): boolean {
  return (
    a.probe === b.probe &&
    a.class === b.class &&
    a.carrier === b.carrier &&
    a.variant === b.variant &&
    a.grouped === b.grouped &&
    a.allowed === b.allowed &&
    (a.vlan === b.vlan || a.vlan.join() === b.vlan.join())
  );
}

/**
 * Numbers findings by what `partsOf` says of their kind: probe, class, carrier, variant, VLAN tags, whether they stand
 * for many and who may see them. The same parts have the same number; findings of one kind mostly stand in a row.
 */
export function kindNumbers(partsOf: (finding: Finding) => readonly unknown[]): (finding: Finding) => number {
  const numberOf = numbering<string>();
  let last: Finding | null = null;
  let number = 0;
  return (finding) => {
    if (last === null || !isSameKind(last, finding)) number = numberOf(JSON.stringify(partsOf(finding)));
    last = finding;
    return number;
  };
}
