import type { FrameSpec } from '../../model/plan.js';
import type { Mac, ProbeEntry } from '../../model/scenario.js';
import { tokenLength } from '../../wire/token.js';
import { builderOf } from './forms.js';
import { type FrameOptions, leastSize, plainTemplate } from './plain.js';
import { type FrameTemplate, stampToken } from './template.js';

/** Bytes for headers and a token in any form, without Ethernet's minimum (60 without FCS). */
export function leastSizeOf(spec: Pick<FrameSpec, 'carrier' | 'vlan' | 'form' | 'fields'>): number {
  return spec.form === undefined
    ? leastSize(spec.carrier, spec.vlan.length, spec.fields?.protocol)
    : builderOf(spec.form).leastSize(spec.carrier, spec.vlan.length);
}

/** A spec's frame without token. Throws VerifyError `frame-unbuildable` if the spec is incomplete or too small. */
export function frameTemplate(spec: FrameSpec, options: FrameOptions = {}): FrameTemplate {
  return spec.form === undefined ? plainTemplate(spec, options) : builderOf(spec.form).template(spec);
}

/** One frame with its token (18 bytes). Throws as `frameTemplate`. */
export function buildFrame(spec: FrameSpec, token: Uint8Array, options: FrameOptions = {}): Uint8Array {
  if (token.length !== tokenLength) throw new RangeError(`a token has ${tokenLength} bytes, not ${token.length}`);
  const template = frameTemplate(spec, options);
  stampToken(template, template.bytes, 0, token);
  return template.bytes;
}

/** A frame for each token, consecutive: content of a `send` message. */
export function buildFrames(spec: FrameSpec, tokens: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const template = frameTemplate(spec, options);
  const count = Math.floor(tokens.length / tokenLength);
  const out = new Uint8Array(count * spec.size);
  for (let i = 0; i < count; i += 1) stampToken(template, out, i * spec.size, tokens, i * tokenLength);
  return out;
}

/** Without FCS (IEEE 802.3: 64 with it). */
const leastFrame = 60;

type Headers = Omit<FrameSpec, 'size' | 'srcMac' | 'dstMac'> & {
  readonly srcMac: Mac | undefined;
  readonly dstMac: Mac | undefined;
};

/** A class's frame with the scenario's overrides, and a size that fits a token. */
export function frameSpec(chosen: Headers, entry: ProbeEntry): FrameSpec {
  const { fields } = entry;
  const least = Math.max(leastFrame, leastSizeOf(fields === undefined ? chosen : { ...chosen, fields }));
  const noMac = '00:00:00:00:00:00';
  const spec: FrameSpec = {
    carrier: chosen.carrier,
    vlan: chosen.vlan,
    srcMac: entry.srcMac ?? chosen.srcMac ?? noMac,
    dstMac: entry.dstMac ?? chosen.dstMac ?? noMac,
    srcIp: chosen.srcIp === null ? null : (entry.srcIp ?? chosen.srcIp),
    dstIp: chosen.dstIp === null ? null : (entry.dstIp ?? chosen.dstIp),
    size: Math.max(entry.size ?? least, least),
  };
  if (chosen.form !== undefined) return { ...spec, form: chosen.form };
  return fields === undefined ? spec : { ...spec, fields };
}
