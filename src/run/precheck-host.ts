import { precheck } from '../audit/precheck.js';
import type { Plan } from '../model/plan.js';
import type { PrecheckNote } from '../model/precheck.js';
import { VerifyError } from '../model/verify-error.js';
import { readOffloads } from '../state/read-offloads.js';
import { readReading } from '../state/read-reading.js';

/** Looks at what a run on this host has to be read with. Rejects with VerifyError (3) where the run would say nothing. */
export async function precheckHost(plan: Plan, netns: string | null): Promise<readonly PrecheckNote[]> {
  const ports = plan.endpoints.flatMap(({ attach, port, started }) => (attach === 'port' && port !== null && started ? [port] : []));
  const reading = await readReading({ netns, whole: false });
  const { notes, refusals } = precheck({ reading, bridges: plan.bridges.map(({ name }) => name), ports, offloads: readOffloads(netns, ports) });
  if (refusals.length > 0) throw new VerifyError('not-forwarding', 3, refusals.join('\n'), 'a run now would say nothing. Nothing was sent');
  return notes;
}
