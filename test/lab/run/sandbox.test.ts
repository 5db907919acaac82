import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { makeSandbox } from '../../../src/system/fabric/lab/sandbox.js';
import { closeMountSpace, inMountSpace, mountsHere } from '../../../src/system/kernel/mounts.js';
import { runProgram } from '../../../src/system/process/programs.js';
import { fresh, program } from '../../support/lab/program.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

describe('the mount tree in which a lab of root’s carries out commands', needs(root), () => {
  const folder = fresh('folder');
  mkdirSync(folder);
  const hostFile = `/run/verify-isolation-test-${process.pid}`;

  it('is read-only but the sysctls of its network namespace, hides /run, and is left again', async () => {
    const cwd = process.cwd();
    writeFileSync(hostFile, 'of the host');
    const space = makeSandbox(folder);
    try {
      const at = (script: string) => runProgram(['sh', '-c', script], { mounts: space, cwd: folder });
      for (const path of ['/etc', '/root', '/tmp', '/var/tmp', folder, '/sys'])
        expect((await at(`touch ${path}/verify-isolation-test`)).stderr, path).toMatch(/Read-only file system/);
      for (const path of ['/proc/sys/kernel/hostname', '/proc/self/oom_score_adj'])
        expect((await at(`echo 0 > ${path}`)).stderr, path).toMatch(/Read-only file system/);
      const ownSysctl = '/proc/sys/net/ipv4/ip_forward';
      expect(await at(`cat ${ownSysctl} > /dev/null && echo "$(cat ${ownSysctl})" > ${ownSysctl}`)).toMatchObject({
        status: 0,
        stderr: '',
      });
      expect(await at(`ls -A /run; pwd`)).toMatchObject({ status: 0, stdout: `${folder}\n` });
      expect((await at(`touch /run/own && mkdir /run/netns`)).status).toBe(0);
      // what a later mount lies over is not seen: of this machine's own below /run too
      const mounts = inMountSpace(space, mountsHere);
      const seen = mounts.filter(
        ({ path }, at) => !mounts.slice(at + 1).some((later) => `${path}/`.startsWith(`${later.path}/`)),
      );
      expect(seen.filter(({ readOnly }) => !readOnly).map(({ path }) => path)).toEqual(['/run', '/proc/sys/net']);
    } finally {
      closeMountSpace(space);
    }
    expect({ cwd: process.cwd(), there: readFileSync(hostFile, 'utf8') }).toEqual({ cwd, there: 'of the host' });
    rmSync(hostFile);
    expect([existsSync('/run/own'), existsSync(folder)]).toEqual([false, true]);
    writeFileSync(`${folder}/still-writable`, '');
  });

  it('keeps the folder of a scenario that lies below /run', async () => {
    const below = `/run/verify-isolation-test-${process.pid}.d/deep`;
    mkdirSync(below, { recursive: true });
    writeFileSync(`${below}/rules.nft`, 'x');
    const space = makeSandbox(below);
    try {
      expect(await runProgram(['sh', '-c', 'cat rules.nft; touch y'], { mounts: space, cwd: below })).toMatchObject({
        stdout: 'x',
        stderr: expect.stringContaining('Read-only') as string,
      });
    } finally {
      closeMountSpace(space);
      rmSync(`/run/verify-isolation-test-${process.pid}.d`, { recursive: true });
    }
  });
});

const scenario = (commands: readonly (readonly string[])[]): string => {
  const file = fresh('sandbox.yml');
  writeFileSync(
    file,
    `version: 1
name: sandbox
topology: { provider: lab, bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps: [ { name: s, run: ${JSON.stringify(commands)}, probe: [ { class: known-unicast, from: a, to: b, carriers: [raw], count: 5 } ], expect: private } ]
`,
  );
  return file;
};

describe('a run in the lab', () => {
  it(
    'makes no name on the host and needs none of its namespaces',
    async () => {
      const name = `vi-test-${process.pid}`;
      const { status, stderr } = await program([
        'run',
        scenario([
          ['ip', 'netns', 'add', name],
          ['sysctl', '-w', 'net.ipv4.ip_forward=1'],
        ]),
        '--out',
        fresh('out'),
        '--quiet',
      ]);
      expect(existsSync(`/run/netns/${name}`)).toBe(false);
      // an ordinary user may make no folder in the /run that is there
      if (root === null) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
    patient(300_000),
  );

  it(
    'lets what --allow-run has let in do what its caller may',
    async () => {
      const mark = fresh('mark');
      const { status, stderr } = await program([
        'run',
        scenario([['sh', '-c', `hostname > ${mark}`]]),
        '--out',
        fresh('out'),
        '--quiet',
        '--allow-run',
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readFileSync(mark, 'utf8').trim()).toBe(hostname());
    },
    patient(300_000),
  );

  it(
    'carries no command out whose file is not the one that was read before',
    async () => {
      const rules = fresh('rules.nft');
      writeFileSync(rules, 'add table bridge t\n');
      const { status, stdout, stderr } = await program([
        'run',
        scenario([
          ['sh', '-c', `echo 'add table bridge u' >> ${rules}`],
          ['nft', '-f', rules],
        ]),
        '--out',
        fresh('out'),
        '--quiet',
        '--allow-run',
      ]);
      expect(status, stderr).toBe(3);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain('was changed since the run began');
    },
    patient(300_000),
  );
});
