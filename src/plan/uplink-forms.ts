import type { FrameSpec, Observer } from '../model/plan.js';
import type { Endpoint, Mac } from '../model/scenario.js';

/**
 * Ear controls at a host's uplink leave its NIC. So that the switch there learns nothing wrong and sees no new station, their source is a guest
 * of the bridge or the bridge itself, never who lives beyond the uplink; their destination is the bridge, which the switch knows on the port
 * that they come from and so sends them nowhere.
 */
export function uplinkForms(observer: Observer, forms: readonly FrameSpec[], endpoints: Iterable<Endpoint>, bridgeMac: Mac | undefined): readonly FrameSpec[] {
  if (bridgeMac === undefined) return [];
  const own = new Set([...endpoints].filter(({ bridge, role }) => bridge === observer.bridge && role === 'guest').flatMap(({ macs }) => macs));
  // The capture filter lets the step's senders through, and the bridges
  const source = forms.find(({ srcMac }) => own.has(srcMac))?.srcMac ?? bridgeMac;
  const fitting = forms.map((form) => ({ ...form, srcMac: own.has(form.srcMac) ? form.srcMac : source, dstMac: bridgeMac }));
  return [...new Map(fitting.map((form) => [JSON.stringify(form), form])).values()];
}
