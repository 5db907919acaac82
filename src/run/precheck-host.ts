import { precheck } from '../core/audit/precheck.js';
import { deviceText } from '../core/bridge/beside.js';
import { isOnPort } from '../core/model/attach.js';
import type { ConfigurationManager } from '../core/model/fix.js';
import type { Plan } from '../core/model/plan.js';
import type { PrecheckNote } from '../core/model/run-record.js';
import { VerifyError } from '../core/model/verify-error.js';
import { isFirstPidSpace } from '../system/kernel/proc-files.js';
import { processRights } from '../system/process/threads.js';
import { readManagers } from '../system/state/read-managers.js';
import { readOffloads, readTables } from '../system/state/read-devices.js';
import { readSnapshot } from '../system/state/read-snapshot.js';

/** Notes for reading the result, and managers of bridges and ports. */
export interface HostLook {
  readonly notes: readonly PrecheckNote[];
  /** null = another namespace: its interfaces may share names that the machine's files configure. */
  readonly keepers: readonly ConfigurationManager[] | null;
}

/**
 * Reads the notes of a run on this host. Rejects with VerifyError (3) if the run would be useless.
 */
export async function precheckHost(plan: Plan, netns: string | null): Promise<HostLook> {
  const ports = plan.endpoints.flatMap(({ attach, port, started }) =>
    isOnPort(attach) && port !== null && started ? [port] : [],
  );
  const snapshot = await readSnapshot({ netns, complete: false, beside: true });
  const { notes, refusals } = precheck({
    snapshot,
    bridges: plan.bridges.map(({ name }) => name),
    ports,
    above: plan.endpoints.flatMap(({ below, netns: space }) =>
      below?.device === undefined ? [] : [deviceText({ name: below.device, space })],
    ),
    offloads: readOffloads(netns, ports),
    tables: readTables(netns),
    capabilities: processRights().capabilities,
    seesAll: isFirstPidSpace(),
  });
  if (refusals.length > 0)
    throw new VerifyError('not-forwarding', 3, refusals.join('\n'), 'a run now would say nothing. Nothing was sent');
  return { notes, keepers: netns === null ? (await readManagers(snapshot.state)).keepers : null };
}
