import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { type RuleWatch, watchRuleChanges } from '../../../src/system/state/changes/rule-changes.js';
import { needs, root } from '../../support/needs.js';

describe('who changes rules', needs(root), () => {
  let namespace = -1;
  let watch: RuleWatch | null = null;
  /** Runs a command there, as a process whose number it gives. */
  const run = (...argv: readonly string[]): number =>
    inNamespaceFd(namespace, () => {
      const { pid, status, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
      return pid;
    });
  beforeAll(() => {
    namespace = newNamespace(disableIpv6);
    run('ip', 'link', 'add', 'dev', 'br0', 'type', 'bridge');
    watch = watchRuleChanges(`/proc/${process.pid}/fd/${namespace}`);
  });
  afterAll(() => {
    watch?.close();
    closeSync(namespace);
  });

  it('is named for nft: the process and its program, also where the rules are put back', () => {
    const pids = [run('nft', 'add', 'table', 'bridge', 'x'), run('nft', 'delete', 'table', 'bridge', 'x')];
    expect(watch?.take()).toEqual(pids.map((pid) => ({ kind: 'nft', pid, program: 'nft' })));
    expect(watch?.take()).toEqual([]);
  });

  it('is named for tc by its netlink port, which is its process id', () => {
    const pid = run('tc', 'qdisc', 'add', 'dev', 'br0', 'clsact');
    expect(watch?.take()).toEqual([{ kind: 'tc', pid, program: null }]);
  });

  it('reads no rules as changed where only links, ports and the table of MACs did', () => {
    run('ip', 'link', 'add', 'dev', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    run('ip', 'link', 'set', 'dev', 'v0', 'master', 'br0', 'up');
    run('bridge', 'fdb', 'add', '02:00:00:00:00:01', 'dev', 'v0', 'master', 'static');
    run('ip', 'link', 'set', 'dev', 'v0', 'type', 'bridge_slave', 'flood', 'off');
    run('nft', 'list', 'ruleset');
    expect(watch?.take()).toEqual([]);
  });
});
