import type { Result } from '../../../src/core/model/result.js';
import type { TracedDevice, TracedPlace } from '../../../src/core/model/timeline.js';
import { there } from '../there.js';
import { type Evidence, perfectRun } from './perfect-run.js';

/** A raw frame's token stands right behind its Ethernet header. */
export const asSent = 14;
export const inside = (party: string, name = 'eth1'): TracedDevice => ({
  space: 4_026_531_900,
  ifindex: 7,
  name,
  home: false,
  lower: 99,
  path: `/run/netns/${party}`,
  parties: [party],
});
export const atHome = (name: string, ifindex: number): TracedDevice => ({ space: 1, ifindex, name, home: true });

export function place(device: TracedDevice | null, more: Partial<TracedPlace> = {}): TracedPlace {
  return { step: 0, place: 'receive', tokenAt: asSent, device, packets: 5, tokens: '0-4', ...more };
}

/** The evidence of a run with a trace of these places. */
export function traced(...places: readonly TracedPlace[]): Evidence {
  const evidence = perfectRun();
  const trace = [...places, { step: 0, place: 'end', open: {}, counts: {} } as const];
  evidence.trace = trace;
  evidence.timeline.push({
    ...{ atNs: '99000000', monoMs: 99, step: 0 },
    ...{ event: 'trace', state: 'read', lines: trace.length },
  });
  return evidence;
}

export const only = ({ steps }: Result) => there(steps[0]);
export const reasonsOf = (result: Result): readonly string[] =>
  only(result).reasons.map(({ code, text }) => `${code} ${text}`);
