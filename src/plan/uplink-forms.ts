import type { Mac } from '../core/model/mac.js';
import type { FrameSpec, Observer } from '../core/model/plan.js';
import type { Endpoint } from '../core/model/scenario.js';

/**
 * Ear controls at a host's uplink leave its NIC. So that the switch there learns nothing wrong and sees no new station,
 * their source is a guest of the bridge or the bridge itself, never who lives beyond the uplink; their destination is
 * the bridge, which the switch knows on the port that they come from and so sends them nowhere. `senders`: MACs of who
 * sends in the step.
 */
export function uplinkForms(
  observer: Observer,
  forms: readonly FrameSpec[],
  endpoints: Iterable<Endpoint>,
  bridgeMac: Mac | undefined,
  senders: readonly Mac[],
): readonly FrameSpec[] {
  if (bridgeMac === undefined) return [];
  const own = new Set(
    [...endpoints]
      .filter(({ bridge, role }) => bridge === observer.bridge && role === 'guest')
      .flatMap(({ macs }) => macs),
  );
  // Who sends in this step is known out there, or will be; a filter by MAC lets it through, as it does the bridges
  const source = senders.find((mac) => own.has(mac)) ?? bridgeMac;
  const fitting = forms.map((form) => ({
    ...form,
    srcMac: own.has(form.srcMac) ? form.srcMac : source,
    dstMac: bridgeMac,
  }));
  return [...new Map(fitting.map((form) => [JSON.stringify(form), form])).values()];
}
