import type { FrameSpec } from '../../model/plan.js';
import type { Mac, ProbeEntry } from '../../model/scenario.js';
import { tokenLength } from '../../wire/token.js';
import { builderOf } from './forms.js';
import { type FrameOptions, leastSize, plainTemplate } from './plain.js';
import { type FrameTemplate, stampToken } from './template.js';

/**
 * Bytes that a frame needs for its headers and a token, whatever its form; Ethernet's own minimum (60 without FCS) is
 * not in it.
 */
export function leastSizeOf(spec: Pick<FrameSpec, 'carrier' | 'vlan' | 'form' | 'fields'>): number {
  return spec.form === undefined
    ? leastSize(spec.carrier, spec.vlan.length, spec.fields?.protocol)
    : builderOf(spec.form).leastSize(spec.carrier, spec.vlan.length);
}

/**
 * The frame of a spec without its token, of whatever form. Throws VerifyError `frame-unbuildable` where the spec lacks
 * something or is too small.
 */
export function frameTemplate(spec: FrameSpec, options: FrameOptions = {}): FrameTemplate {
  return spec.form === undefined ? plainTemplate(spec, options) : builderOf(spec.form).template(spec);
}

/** One frame of the form with its token (18 bytes). Throws as `frameTemplate`. */
export function buildFrame(spec: FrameSpec, token: Uint8Array, options: FrameOptions = {}): Uint8Array {
  if (token.length !== tokenLength) throw new RangeError(`a token has ${tokenLength} bytes, not ${token.length}`);
  const template = frameTemplate(spec, options);
  stampToken(template, template.bytes, 0, token);
  return template.bytes;
}

/** As many frames of one form as there are tokens, one after the other: what a `send` message carries. */
export function buildFrames(spec: FrameSpec, tokens: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const template = frameTemplate(spec, options);
  const count = Math.floor(tokens.length / tokenLength);
  const out = new Uint8Array(count * spec.size);
  for (let i = 0; i < count; i += 1) stampToken(template, out, i * spec.size, tokens, i * tokenLength);
  return out;
}

/** Bytes of the smallest Ethernet frame without its FCS (IEEE 802.3: 64 with it). */
const leastFrame = 60;

type Headers = Omit<FrameSpec, 'size' | 'srcMac' | 'dstMac'> & {
  readonly srcMac: Mac | undefined;
  readonly dstMac: Mac | undefined;
};

/** The frame that a class chose, with the scenario's overrides applied and the size that carries a token. */
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
