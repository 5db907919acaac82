import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, mkdirSync, readlinkSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { unixPeers } from '../../../../src/system/kernel/ask/socket-diag.js';

const folder = mkdtempSync(join(tmpdir(), 'peers-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ownSockets = (): ReadonlySet<string> =>
  new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );

it('a listener that bound its socket by another name of the folder, as Debian’s in /var/run, has its peers', async () => {
  mkdirSync(join(folder, 'run'));
  symlinkSync('run', join(folder, 'var-run'));
  const server = createServer().listen(join(folder, 'var-run', 'br0.mgmt'));
  await once(server, 'listening');
  const before = ownSockets();
  const client = connect(join(folder, 'run', 'br0.mgmt'));
  await Promise.all([once(client, 'connect'), once(server, 'connection')]);
  try {
    for (const name of ['run', 'var-run']) {
      const peers = [...(unixPeers(join(folder, name, 'br0.mgmt')) ?? [])];
      expect(peers).toHaveLength(1);
      expect(peers.every((inode) => ownSockets().has(inode) && !before.has(inode))).toBe(true);
    }
    expect(unixPeers(join(folder, 'run', 'br1.mgmt'))).toEqual(new Set());
  } finally {
    client.destroy();
    server.close();
  }
});
