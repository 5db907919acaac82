import type { FrameSpec } from '../../model/plan.js';
import type { Carrier } from '../../model/scenario.js';
import { ethernetLength, etherTypes, writeEthernet } from '../../wire/ethernet.js';
import { tagTypes, vlanTagLength, writeTags } from '../../wire/vlan.js';
import { macBytesOf, unbuildable } from './parts.js';
import type { FrameTemplate } from './template.js';

/** A builder of one form. The token is behind the protocol's content, or in data that every reader skips. */
export interface FormBuilder {
  leastSize(carrier: Carrier, vlanDepth: number): number;
  /**
   * Throws VerifyError `frame-unbuildable` if the spec is incomplete, too small, or has another carrier than the
   * form's.
   */
  template(spec: FrameSpec): FrameTemplate;
}

/** Bytes before the payload, with this many tags. */
export function headerLength(vlanDepth: number): number {
  return ethernetLength + vlanDepth * vlanTagLength;
}

/** An empty frame of the spec's size with Ethernet header and tags; the payload starts at `bodyAt`. */
export function startFrame(
  spec: FrameSpec,
  least: number,
  etherType: number,
): { readonly bytes: Uint8Array; readonly bodyAt: number } {
  if (!Number.isInteger(spec.size) || spec.size < least || spec.size > 65_535)
    throw unbuildable(spec, `has ${spec.size} bytes, its form ${spec.form ?? 'plain'} needs ${least} to 65535`);
  const bytes = new Uint8Array(spec.size);
  const typeAt =
    writeEthernet(bytes, 0, {
      dstMac: macBytesOf(spec, spec.dstMac),
      srcMac: macBytesOf(spec, spec.srcMac),
      etherType: etherTypes.experimental,
    }) - 2;
  return { bytes, bodyAt: writeTags(bytes, typeAt, spec.vlan, tagTypes(spec.vlan.length), etherType) };
}

export function needCarrier(spec: FrameSpec, carriers: readonly Carrier[]): void {
  if (!carriers.includes(spec.carrier))
    throw unbuildable(spec, `has the form ${spec.form ?? 'plain'}, which goes with ${carriers.join(', ')} only`);
}
