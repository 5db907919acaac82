import { describe, expect, it } from 'vitest';
import { calledAs } from '../../../src/cli/called-as.js';

describe('what is typed for this program again', () => {
  it.each([
    ['/work/dist/cli.cjs', '/work', {}, 'node dist/cli.cjs'],
    ['/work/dist/cli.cjs', '/elsewhere', {}, 'node /work/dist/cli.cjs'],
    ['/work/my dist/cli.cjs', '/work', {}, "node 'my dist/cli.cjs'"],
    ['/usr/bin/verify-isolation', '/work', { PATH: '/bin:/usr/bin' }, 'verify-isolation'],
    ['/opt/bin/verify-isolation', '/work', { PATH: '/bin:/usr/bin' }, 'node /opt/bin/verify-isolation'],
    ['/work/node_modules/.bin/verify-isolation', '/work', { npm_command: 'exec' }, 'npx verify-isolation'],
    // `npm start` and `npm run` set it too, to another word.
    ['/work/dist/cli.cjs', '/work', { npm_command: 'start' }, 'node dist/cli.cjs'],
    [
      '/usr/lib/verify-isolation/dist/cli.cjs',
      '/',
      { VERIFY_ISOLATION_LAUNCHER: 'verify-isolation' },
      'verify-isolation',
    ],
    ['', '/work', {}, 'verify-isolation'],
  ])('of %s in %s with %j is %s', (script, cwd, env, typed) => expect(calledAs({ script, cwd, env })).toBe(typed));
});
