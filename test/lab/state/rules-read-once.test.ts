import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { readState } from '../../../src/system/state/read.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

describe('rules of nft', needs(root), () => {
  let namespace = -1;
  let other = -1;
  const nft = (where: number, ...words: readonly string[]): void =>
    inNamespaceFd(where, () => {
      const { status, stderr } = spawnSync('nft', words, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`nft ${words.join(' ')}: ${stderr}`);
    });
  const read = async (where = namespace): Promise<unknown> => {
    const netns = `/proc/${process.pid}/fd/${where}`;
    return (await readState({ netns, sysfs: false, sysctl: [] })).nft;
  };
  beforeAll(() => {
    namespace = newNamespace(disableIpv6);
    other = newNamespace(disableIpv6);
    nft(namespace, 'add table ip guests { chain forward { counter; }; }');
  });
  afterAll(() => {
    closeSync(namespace);
    closeSync(other);
  });

  it('are read once as long as nobody changes them', async () => {
    const first = await read();
    expect(JSON.stringify(first)).toContain('"guests"');
    expect(await read()).toBe(first);
  });

  it('are read again after a change, and after one that was taken back', async () => {
    const before = await read();
    nft(namespace, 'add table ip more');
    const changed = await read();
    expect(JSON.stringify(changed)).toContain('"more"');
    nft(namespace, 'delete table ip more');
    const after = await read();
    expect(JSON.stringify(after)).not.toContain('"more"');
    expect(after).not.toBe(before);
  });

  it('are those of another namespace at the same path, however many changes both have seen', async () => {
    const first = newNamespace(disableIpv6);
    nft(first, 'add table ip old');
    expect(JSON.stringify(await read(first))).toContain('"old"');
    closeSync(first);
    const second = newNamespace(disableIpv6);
    nft(second, 'add table ip new');
    expect(second).toBe(first); // one number, one path
    expect(JSON.stringify(await read(second))).toContain('"new"');
    closeSync(second);
  });

  it('are read each time if a set of theirs changes by itself', async () => {
    nft(other, 'add table ip t { set s { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 1s }; }; }');
    expect(JSON.stringify(await read(other))).toContain('192.0.2.1');
    await vi.waitFor(async () => expect(JSON.stringify(await read(other))).not.toContain('192.0.2.1'), {
      timeout: patient(10_000),
    });
  });
});
