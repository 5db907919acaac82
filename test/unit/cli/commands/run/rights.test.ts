import { expect, it } from 'vitest';
import { mustHaveRights } from '../../../../../src/cli/commands/run/host-run.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { hostRights } from '../../../../../src/core/model/machine.js';

const all = 0x1ffffffffffn;

/** The refusal of a run whose process lacks a right; null = it begins. */
function refusal(isStrict: boolean, ...lacking: readonly (keyof typeof hostRights)[]): string | null {
  const set = lacking.reduce((left, name) => left & ~(1n << BigInt(hostRights[name].bit)), all);
  try {
    mustHaveRights(isStrict, { uid: 0, capabilities: set.toString(16) });
    return null;
  } catch (error) {
    if (error instanceof VerifyError && error.exitCode === 69) return error.message;
    throw error;
  }
}

it('a run on a host begins with its rights only, and says which is missing', () => {
  expect(refusal(false)).toBeNull();
  for (const name of ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_ADMIN', 'CAP_SETPCAP'] as const)
    expect(refusal(false, name)).toBe(`${name} is missing: ${hostRights[name].cost}`);
});

it('a run whose helpers would keep rights is refused if it is strict', () => {
  for (const name of ['CAP_SETUID', 'CAP_SETGID', 'CAP_SYS_CHROOT'] as const) {
    expect(refusal(false, name)).toBeNull();
    expect(refusal(true, name)).toContain(name);
  }
  for (const name of ['CAP_SYS_PTRACE', 'CAP_SYSLOG', 'CAP_DAC_READ_SEARCH', 'CAP_BPF', 'CAP_PERFMON'] as const)
    expect(refusal(true, name)).toBeNull();
});
