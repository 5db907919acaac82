import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { needs, readable, root } from '../../support/needs.js';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const programBelow = (folder: string, name = 'try-inside.mjs'): string => join(folder, 'test/lab/rights', name);
/** A uid that no account and no other process has. */
const ofItsOwn: number = expect.toSatisfy((uid) => Number(uid) >= 1_879_048_192, 'a uid of its own');
/** Who starts the helper, and what it then is. */
const callers = {
  root: { argv: [], env: {}, uid: ofItsOwn, owner: 0 },
  sudo: { argv: [], env: { SUDO_UID: '4321', SUDO_GID: '4321' }, uid: ofItsOwn, owner: 0 },
  user: {
    argv: 'setpriv --reuid 4321 --regid 4321 --clear-groups unshare --user --map-root-user --net --mount --'.split(' '),
    env: {},
    uid: 0, // of the one user of its namespace: 4321
    owner: 0,
  },
} as const;

interface Tried {
  readonly said: { readonly answers: Readonly<Record<string, string>>; readonly uid: number; readonly sockets: number };
  readonly [fact: string]: unknown;
}

async function tried(
  caller: keyof typeof callers,
  words: readonly string[],
  folder = top,
  name = 'try-inside.mjs',
): Promise<Tried> {
  const { argv, env } = callers[caller];
  const [first = '', ...rest] = [...argv, process.execPath, programBelow(folder, name), ...words];
  const { SUDO_UID: _uid, SUDO_GID: _gid, ...environment } = process.env;
  const { stdout } = await promisify(execFile)(first, rest, { env: { ...environment, ...env } });
  const read: Tried = JSON.parse(stdout);
  return read;
}

/** What was told otherwise than EPERM. */
const granted = ({ said }: Tried): readonly string[] =>
  Object.entries(said.answers).flatMap(([way, answer]) => (answer === 'EPERM' ? [] : [`${way}: ${answer}`]));

describe('code that runs in a sealed helper', needs(root, readable), () => {
  const describeCaller = (caller: keyof typeof callers): void => {
    const { uid, owner } = callers[caller];
    it.each(['libpcap', 'ring', 'cap'])(
      'that captures with %s can open, make, send, signal and start nothing, and the capture goes on',
      async (engine) => {
        const seen = await tried(caller, ['capture', engine]);
        expect(Object.keys(seen.said.answers).length).toBeGreaterThan(20);
        expect(seen.said.sockets).toBeGreaterThan(0);
        expect(granted(seen)).toEqual([]);
        expect(seen).toMatchObject({
          said: { uid },
          sealed: { uid, capabilities: '0000000000002000', filtered: true },
          counters: { received: 1, dropped: 0, delivered: 1 },
          written: 1,
          owner,
          ended: 0,
        });
      },
    );

    it('that sends can send and nothing else', async () => {
      const seen = await tried(caller, ['send']);
      expect(seen).toMatchObject({
        said: { uid },
        before: { accepted: 1, error: null },
        after: { accepted: 1, error: null },
        ended: 0,
      });
      expect(granted(seen).filter((way) => !way.startsWith('write to a capture socket'))).toEqual([]);
    });
  };
  describe.each(['root', 'user'] as const)('of %s', describeCaller);
  describe('of sudo', { tags: 'all' }, () => describeCaller('sudo'));

  it('becomes another user when it is sealed, where nobody but root may read the program', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'of-root-'));
    try {
      for (const part of ['build', 'dist', 'package.json', 'test/lab/rights'])
        cpSync(join(top, part), join(folder, part), { recursive: true });
      symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
      chmodSync(folder, 0o700);
      const seen = await tried('root', ['capture', 'libpcap'], folder);
      expect(granted(seen)).toEqual([]);
      expect(seen).toMatchObject({
        said: { uid: ofItsOwn },
        // CAP_NET_RAW, and no other: rings are opened as ports appear.
        sealed: { uid: ofItsOwn, capabilities: '0000000000002000', filtered: true },
        status: { Uid: ofItsOwn, Gid: ofItsOwn },
        written: 1,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    ['judge', 'root', '0'],
    ['judge', 'user', '4321'],
    ['parse', 'root', ofItsOwn],
    ['parse', 'user', '4321'],
  ] as const)(
    'of one that is to %s what others wrote, of %s, comes to nothing but its folder',
    async (task, caller, uid) => {
      const seen = await tried(caller, [task], top, 'try-confined.mjs');
      expect(Object.entries(seen.said.answers).filter(([, answer]) => answer === 'done')).toEqual([]);
      // Where a folder is all that there is, the rest is not there.
      const reported = new Set(Object.values(seen.said.answers).filter((answer) => answer !== ''));
      expect([...reported].sort()).toEqual(task === 'judge' ? ['ENOENT', 'EPERM'] : ['EPERM']);
      expect(seen).toMatchObject({ noNewPrivs: '1', uid: caller === 'user' ? '0' : uid });
    },
  );
});
