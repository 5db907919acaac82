// @module-tag all
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { addressOfGuest, macOfGuest, wholeHost } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();

/** A line for a shell that calls iptables of the unpacked programs. */
function iptables(kind: 'legacy' | 'nft', words: string): string {
  const libraries = readdirSync(join(folder, 'usr/lib')).find((name) => name.endsWith('-linux-gnu')) ?? '';
  const path = join(folder, 'usr/lib', libraries);
  return `LD_LIBRARY_PATH=${path} XTABLES_LIBDIR=${path}/xtables ${folder}/usr/sbin/xtables-${kind}-multi iptables ${words}`;
}

const tee = `-j TEE --gateway ${addressOfGuest(4)}`;
const cases = [
  {
    kind: 'legacy',
    match: `-p tcp --dport 443 -m mac --mac-source ${macOfGuest(1)}`,
    rule: 'iptables-legacy mangle PREROUTING rule 1',
    fix: 'iptables-legacy -t mangle -D PREROUTING 1',
  },
  {
    kind: 'nft',
    match: '-p tcp --dport 443',
    rule: 'nft ip mangle PREROUTING handle 2',
    fix: 'nft delete rule ip mangle PREROUTING handle 2',
  },
] as const;

describe('a rule of iptables with TEE', { ...needs(root, skip), timeout: patient(120_000) }, () => {
  it.each(cases)('is BROKEN by a witness, with its rule named: $kind', async ({ kind, match, rule, fix }) => {
    const host = wholeHost(4);
    try {
      host.sh(iptables(kind, `-t mangle -A PREROUTING ${match} ${tee}`));
      const { status, text, result } = await host.judge('out');
      const leaks = result.steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
      expect([status, [...new Set(leaks.map(({ variant }) => variant))]], text).toEqual([2, [`asks ${rule}`]]);
      const fixes = result.steps.flatMap(({ groups = [] }) => groups.flatMap(({ causes }) => causes[0]?.fixes ?? []));
      expect(fixes, text).toEqual([fix]);
    } finally {
      host.close();
    }
  });

  it.each(['legacy', 'nft'] as const)('with -m bpf stays INCONCLUSIVE: %s', async (kind) => {
    const host = wholeHost(3);
    try {
      host.sh(iptables(kind, `-t mangle -A PREROUTING -p tcp -m bpf --bytecode '1,6 0 0 65535' ${tee}`));
      const { status, text, result } = await host.judge('out');
      expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
      expect(text).toContain('1 copies or moves: 0 asked (0 witnesses), 1 not: needs -m bpf');
    } finally {
      host.close();
    }
  });
});
