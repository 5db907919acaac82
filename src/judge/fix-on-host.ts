import { word } from '../audit/shell-word.js';
import { hostOf } from '../core/model/host-names.js';
import type { Plan } from '../core/model/plan.js';

/**
 * A fix as it is pasted on the orchestrator's host: what is for another one is sent there with ssh(1), under the names
 * that its kernel knows.
 */
export function fixOnHost(fix: string, bridge: string, plan: Pick<Plan, 'hosts'>): string {
  const name = hostOf(bridge);
  if (name === null || fix === '') return fix;
  const there = fix.replaceAll(`${name}/`, '');
  const target = plan.hosts?.find((host) => host.name === name)?.ssh ?? null;
  return target === null ? there : `ssh ${word(target)} ${word(there)}`;
}
