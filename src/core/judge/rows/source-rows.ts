import type { Control } from '../../model/plan.js';
import { entryVariant, type Finding } from '../../model/result.js';
import { isFiltered } from '../proof/entry.js';
import { acceptedOf, directionOf, type RowInput } from './probe-row.js';
import { groupBy } from '../../text/collections.js';

/**
 * Rows of bridges for guests whose port takes ARP from a foreign address, though a filter stops it at most ports alike
 * by design. If no port stops it, that is open by design. Guests whose own frames do not enter stay unknown.
 */
export function sourceRows({ plan, step, facts, tally, states, day }: RowInput): readonly Finding[] {
  const isSeen = ({ index }: Control): boolean => tally.controls.has(index);
  const entered = new Set(
    step.controls.filter((control) => control.kind === 'entry' && isSeen(control)).map(({ sender }) => sender),
  );
  const byBridge = groupBy(step.controls, ({ kind, index, observer, sender }) =>
    kind === 'entry-spoof' && facts.controlsAccepted.has(index) && entered.has(sender) ? observer : null,
  );
  const [open] = step.expect.open ?? [];
  return [...byBridge].flatMap(([observer, controls]) => {
    const stopped = controls.filter(
      (control) => !isSeen(control) && isFiltered({ states, endpoints: plan.endpoints }, control),
    );
    if (stopped.length * 2 <= controls.length) return [];
    return controls.filter(isSeen).map(
      ({ sender, frame }): Finding => ({
        probe: open?.probe ?? 0,
        class: 'arp-spoof',
        carrier: frame.carrier,
        vlan: frame.vlan,
        variant: entryVariant,
        from: sender ?? '',
        to: null,
        observer,
        sent: 1,
        seen: 1,
        allowed: 'no',
        leak: true,
        upperBound95: null,
        direction: directionOf(facts, observer),
        firstSighting: null,
        causes: [],
        ...acceptedOf(step.expect.accept, observer, 'arp-spoof', day),
      }),
    );
  });
}
