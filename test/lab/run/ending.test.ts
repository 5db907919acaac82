import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descendants, leftAfter, namespacesOf } from '../../support/lab/processes.js';
import {
  again,
  alike,
  cli,
  fresh,
  program,
  startProgram,
  type Started,
  threeOn,
  untilEvent,
} from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { there } from '../../support/there.js';

// A relay, a capture and a send helper, four endpoints in namespaces of their own, and probes for two seconds.
const busy = threeOn(
  '{ ageing_time: 30s }',
  '  - { name: s, probe: [ { class: known-unicast, from: a, to: vm, count: 200, rate: 200 } ], expect: leak }',
  '    vm: { bridge: br0, attach: promiscuous, port: pv, mac: "52:54:00:00:00:0d", ip: 10.9.0.4/24 }\n',
);

interface Busy extends Started {
  readonly dir: string;
  /** The launcher and all that it started. */
  readonly pids: readonly number[];
  /** The lab's network namespaces, those that only descriptors hold included. */
  readonly namespaces: ReadonlySet<string>;
  readonly find: (what: RegExp) => number;
}

async function startBusy(): Promise<Busy> {
  const dir = fresh('evidence');
  const { child, ended } = startProgram(['run', busy, '--out', dir, '--quiet']);
  await untilEvent(dir, 'probing');
  const launcher = child.pid ?? 0;
  const processes = descendants(launcher);
  const home = namespacesOf([process.pid]);
  const pids = [launcher, ...processes.map(({ pid }) => pid)];
  return {
    child,
    ended,
    dir,
    pids,
    namespaces: new Set([...namespacesOf(pids)].filter((namespace) => !home.has(namespace))),
    find: (what) => {
      const found = processes.find(({ command }) => what.test(command));
      if (found === undefined) throw new Error(`no process fits ${what}: ${JSON.stringify(processes)}`);
      return found.pid;
    },
  };
}

const leftOf = (run: Busy): Promise<readonly string[]> => leftAfter(5000, run.pids, run.namespaces);

describe('a run', () => {
  it(
    'has the processes and namespaces that the tests below look for',
    async () => {
      const run = await startBusy();
      expect(run.pids.length).toBeGreaterThanOrEqual(6); // launcher, unshare, the inside, three helpers
      expect(run.namespaces.size).toBeGreaterThanOrEqual(5); // the lab's and one for each endpoint
      expect((await run.ended).status).toBe(0);
      expect(await leftOf(run)).toEqual([]);
    },
    patient(300_000),
  );

  const signals: readonly (readonly [NodeJS.Signals, number])[] = [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ];
  const stopTitle = 'stopped by %s: exits %i, keeps what was seen and judges it, leaves nothing';
  const stop = async (...[signal, status]: (typeof signals)[number]): Promise<void> => {
    const run = await startBusy();
    run.child.kill(signal);
    const outcome = await run.ended;
    expect({ status: outcome.status, said: outcome.stderr.includes(`stopped by ${signal}`) }).toEqual({
      status,
      said: true,
    });
    expect(await leftOf(run)).toEqual([]);
    expect(readFileSync(join(run.dir, 'result.json'), 'utf8')).toContain('"interrupted"');
    expect(existsSync(join(run.dir, 'evidence.pcapng'))).toBe(true);
    // What leaked until then is a leak all the same; the replay says what the run said.
    const replayed = await program(['replay', run.dir, '--json']);
    expect({ status: replayed.status, stdout: replayed.stdout }).toEqual({
      status: JSON.parse(replayed.stdout).exitCode,
      stdout: readFileSync(join(run.dir, 'result.json'), 'utf8'),
    });
  };
  it.concurrent.each(signals.slice(0, 1))(stopTitle, { timeout: patient(300_000) }, stop);
  it.concurrent.each(again ? [] : signals.slice(1))(stopTitle, { tags: 'all', timeout: patient(300_000) }, stop);

  it.concurrent('stopped by Ctrl-C, which goes to the whole group: exits 130 and leaves nothing', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const run = await startBusy();
    process.kill(-there(run.child.pid), 'SIGINT');
    expect((await run.ended).status).toBe(130);
    expect(await leftOf(run)).toEqual([]);
  });

  const victims = [
    ['launcher', (run: Busy) => there(run.child.pid)],
    ['unshare', (run: Busy) => run.find(/^unshare /)],
    ['inside', (run: Busy) => run.find(/^\S*node \S*cli\.cjs run /)],
  ] as const;
  const killTitle = 'whose %s is killed with -9: leaves no process and no namespace, relay and helpers included';
  const kill = async (...[_, victim]: (typeof victims)[number]): Promise<void> => {
    const run = await startBusy();
    process.kill(victim(run), 'SIGKILL');
    await run.ended;
    expect(await leftOf(run)).toEqual([]);
  };
  it.concurrent.each(victims.slice(0, 1))(killTitle, { timeout: patient(300_000) }, kill);
  it.concurrent.each(victims.slice(1))(killTitle, { tags: 'all', timeout: patient(300_000) }, kill);

  it.concurrent('whose folder has no key, for it was killed: replays as inconclusive, never as holds', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const run = await startBusy();
    process.kill(there(run.child.pid), 'SIGKILL');
    await run.ended;
    await leftOf(run);
    const { status, stdout } = await program(['replay', run.dir, '--json']);
    expect(status).toBe(3);
    expect(stdout).toContain('"key-lost"');
  });

  it.concurrent('killed with -9: its folder is taken by the next run of the scenario, and not while it goes on', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const run = await startBusy();
    process.kill(run.find(/^\S*node \S*cli\.cjs run /), 'SIGSTOP'); // or it may end before the next one looks
    const next = ['run', busy, '--out', run.dir, '--quiet'];
    expect(await program(next)).toMatchObject({ status: 64, stderr: expect.stringContaining('not empty') });
    process.kill(there(run.child.pid), 'SIGKILL');
    await run.ended;
    expect(await leftOf(run)).toEqual([]);
    expect((await program(next)).status).toBe(0);
    expect([existsSync(join(run.dir, 'result.json')), existsSync(join(run.dir, 'unfinished'))]).toEqual([true, false]);
    expect((await program(next)).status).toBe(64);
  });

  it.concurrent('whose relay is killed: is inconclusive or broken, and says that the relay died', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const run = await startBusy();
    process.kill(run.find(/helper\.cjs relay /), 'SIGKILL');
    await run.ended;
    const result = readFileSync(join(run.dir, 'result.json'), 'utf8');
    expect(result).toContain('"relay-died"');
    expect(result).not.toContain('"verdict": "holds"');
    expect(await leftOf(run)).toEqual([]);
  });
});

describe('a run in a user namespace', alike, () => {
  // The kernel counts network namespaces in each user namespace: where one were left, there would be none for the last
  // run.
  it('killed with -9 three times: leaves no namespace, as the kernel itself counts them', {
    tags: 'all',
    timeout: patient(300_000),
  }, () => {
    const most = (count: number, rounds: number): number | null => {
      const dir = fresh('counted');
      mkdirSync(dir);
      // The kernel ends a namespace some seconds after its last process: a run that finds too few is tried again.
      const script = `echo ${count} > /proc/sys/user/max_net_namespaces || exit 99
        node=$0 program=$1 scenario=$2 dir=$3
        begins() {
          "$node" "$program" run "$scenario" --quiet --out "$1" & launcher=$!
          until grep -qs '"probing"' "$1/timeline.ndjson"; do
            sleep 0.02
            kill -0 $launcher || { wait $launcher; return $?; }
          done
        }
        for round in $(seq ${rounds}); do
          for try in $(seq 20); do
            sleep 1
            begins "$dir/$round.$try" && break
            status=$?; [ $status = 69 ] && [ $try -lt 20 ] || exit $((status + 100))
          done
          kill -9 $launcher
        done
        for try in $(seq ${rounds === 0 ? 1 : 20}); do
          sleep 1
          "$node" "$program" run "$scenario" --quiet --out "$dir/last.$try"; status=$?
          [ $status = 69 ] || break
        done
        exit $status`;
      return spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', script, process.execPath, cli, busy, dir], {
        encoding: 'utf8',
      }).status;
    };
    // The lab's and one for each of four endpoints. Two more may still be ending; three that were left are too many.
    expect({ tooFew: most(4, 0), enough: most(7, 3) }).toEqual({ tooFew: 69, enough: 0 });
  });
});
