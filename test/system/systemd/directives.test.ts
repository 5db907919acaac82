// @module-tag all
import { beforeAll, describe, expect, it } from 'vitest';
import { file, needs, program, root } from '../../support/needs.js';
import { bootSystemd } from './boot-systemd.js';

/** What a run comes to where nothing is closed: who its helpers are, who is seen to listen, and where it is judged. */
const whole = '0 helpers:own watcher:perl judge:enclosed';
/** Whose the socket is that could carry frames is not known, so that nobody can be trusted with it. */
const unseen = '3 helpers:own watcher: judge:enclosed';

describe(
  'what the unit of a run leaves open, closed one by one under a systemd that was booted for it',
  needs(root, program('perl'), file('/usr/lib/systemd/systemd')),
  () => {
    let said: ReadonlyMap<string, string>;
    beforeAll(() => {
      said = bootSystemd('directives-driver.sh', 'done', 400_000);
    }, 600_000);

    it('is enough for a run that lacks nothing', () => {
      expect(said.get('nothing')).toBe(whole);
    });

    it.each([
      'CAP_NET_ADMIN',
      'CAP_NET_RAW',
      'CAP_SYS_ADMIN',
      'CAP_SETPCAP',
      'namespaces-net',
      'namespaces-mnt',
      'namespaces-pid',
      'AF_NETLINK',
      'AF_PACKET',
      'AF_UNIX',
      '@privileged',
      '@mount',
      'MemoryDenyWriteExecute',
      'ProcSubset',
      'PrivateNetwork',
      'PrivateUsers',
      'DynamicUser',
      'ReadWritePaths',
    ])('ends the run where it is closed: %s', (directive) => {
      expect(said.get(directive)).toMatch(/^[1-9]\d* helpers: watcher: $/);
    });

    it('ends a run whose helper is stuck', () => {
      expect(said.get('stopped-helper:nothing')).toBe('failed');
    });

    it.each([
      ['CAP_SETUID', 'helpers that are root and nobody who is seen to listen', unseen.replace('own', '0')],
      ['CAP_SETGID', 'helpers that are root', whole.replace('own', '0')],
      ['CAP_SYS_CHROOT', 'a judge that is not shut in', whole.replace('judge:enclosed', '')],
      ['CAP_SYS_PTRACE', 'nobody who is seen to listen', unseen],
    ])('costs safety or sight where it is closed: %s makes %s', (directive, _what, lacking) => {
      expect(said.get(directive)).toBe(lacking);
    });
  },
);
