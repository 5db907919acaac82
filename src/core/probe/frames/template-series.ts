import type { FrameSpec } from '../../model/plan.js';
import { macLength } from '../../wire/ethernet.js';
import { frameTemplate } from './frame.js';
import { macBytesOf } from './parts.js';
import type { FrameTemplate } from './template.js';

/** ARP has its sender's MAC in its body as well. */
function sameButMacs(first: FrameSpec, second: FrameSpec): boolean {
  return (
    first.form === undefined &&
    second.form === undefined &&
    first.fields === second.fields &&
    first.carrier !== 'arp' &&
    first.carrier === second.carrier &&
    first.size === second.size &&
    first.srcIp === second.srcIp &&
    first.dstIp === second.dstIp &&
    (first.vlan === second.vlan || first.vlan.join() === second.vlan.join())
  );
}

/**
 * `frameTemplate` for consecutive frames: if only MACs change, only these are written. The next call voids a template.
 * Throws as `frameTemplate`.
 */
export function templateSeries(): (spec: FrameSpec) => FrameTemplate {
  const macs = new Map<string, Uint8Array>();
  let last: { readonly spec: FrameSpec; readonly template: FrameTemplate } | null = null;
  const write = (spec: FrameSpec, text: string, into: Uint8Array, at: number): void => {
    const mac = macs.get(text) ?? macBytesOf(spec, text);
    macs.set(text, mac);
    for (let i = 0; i < macLength; i += 1) into[at + i] = mac[i] ?? 0;
  };
  return (spec) => {
    if (last === null || !sameButMacs(last.spec, spec)) {
      last = { spec, template: frameTemplate(spec) };
      return last.template;
    }
    write(spec, spec.dstMac, last.template.bytes, 0);
    write(spec, spec.srcMac, last.template.bytes, macLength);
    return last.template;
  };
}
