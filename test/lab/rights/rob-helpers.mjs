// A process of the user that root's helpers become tries, from their birth on and in a tight loop, to trace them and to take their descriptors. Prints what it got of each: JSON.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCapture } from '../../../build/system/capture/client.js';
import { startSender } from '../../../build/system/inject/helper.js';
import { koffi } from '../../../build/system/kernel/libc.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../build/system/kernel/namespaces.js';
import { startConfined } from '../../../build/system/process/confined-process.js';
import { helperIdentity } from '../../../build/system/process/identity.js';

const [seize, openPidfd, takeFd] = [0x4206, 434, 438];
const trace = process.arch === 'arm64' ? 117 : 101;
/** Processes that are started meanwhile have the next numbers: in a namespace of their own they are few. */
const ahead = 200;
const [enough, reportMs] = [500, 50];
const mostFds = 16;

/** Until stdin ends. Prints, a line each time, what it got until then. */
async function attack() {
  const library = koffi().load(null);
  const call = library.func('long syscall(long, long, long, long, long)');
  const close = library.func('int close(int)');
  const got = {};
  const tried = {};
  let goesOn = true;
  process.stdin.resume().once('end', () => (goesOn = false));
  let reported = 0;
  const report = () => {
    reported = performance.now();
    console.log(JSON.stringify({ got, tried }));
  };
  while (goesOn) {
    if (performance.now() - reported > reportMs) report();
    for (let pid = process.pid + 1; pid < process.pid + ahead; pid += 1) {
      const pidfd = call(openPidfd, pid, 0, 0, 0);
      if (pidfd < 0) continue;
      tried[pid] = (tried[pid] ?? 0) + 1;
      for (let fd = 0; fd < mostFds; fd += 1) {
        const taken = call(takeFd, pidfd, fd, 0, 0);
        if (taken < 0) continue;
        (got[pid] ??= {})[`descriptor ${fd}`] = true;
        close(taken);
      }
      if (call(trace, seize, pid, 0, 0) === 0) (got[pid] ??= {}).trace = true;
      close(pidfd);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  report();
}

async function main() {
  const { uid, gid } = helperIdentity();
  const asNobody = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--', process.execPath];
  const self = fileURLToPath(import.meta.url);
  const dir = mkdtempSync('/tmp/rob-helpers-');
  const netnsFd = newNamespace(disableIpv6);
  const netns = `/proc/self/fd/${netnsFd}`;
  const ip = (...words) => inNamespaceFd(netnsFd, () => execFileSync('ip', words));
  ip('link', 'add', 'vnet0', 'type', 'veth', 'peer', 'name', 'eth0');
  for (const device of ['vnet0', 'eth0']) ip('link', 'set', 'dev', device, 'up');
  const attacker = spawn('setpriv', [...asNobody, self, 'attack'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  attacker.stdout.on('data', (chunk) => (said += chunk));
  /** Its last whole line. */
  const latest = () => said.split('\n').at(-2);
  while (latest() === undefined) await sleep(10);

  const unprotected = spawn('setpriv', [...asNobody, '-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'pipe' });
  const places = { out: { device: 'vnet0', netns } };
  const sender = await startSender(places);
  const sent = await sender.send('out', Buffer.alloc(60, 7), 60, null);
  const capture = await startCapture({ file: join(dir, 'a.pcapng'), netns, runTag: 0x01020304 });
  const request = { watch: 'port', engine: 'ring', macs: [], filter: '', snaplen: 256, buffer: 1 << 20 };
  await capture.open([{ ...request, observer: 'a', device: 'vnet0', description: '' }]);
  await capture.seal();
  const parser = startConfined('parse', null);
  const pids = { unprotected: unprotected.pid, sender: sender.pid, capture: capture.pids()[0], parser: parser.pid };
  while (Object.values(pids).some((pid) => !(JSON.parse(latest()).tried[pid] >= enough))) await sleep(reportMs);
  attacker.stdin.end();
  await once(attacker, 'close');
  unprotected.kill('SIGKILL');
  parser.kill();
  await sender.stop();
  await capture.stop();
  await capture.ended();
  rmSync(dir, { recursive: true, force: true });
  const { got, tried } = JSON.parse(latest());
  const of = (pid) => ({ got: Object.keys(got[pid] ?? {}), tried: tried[pid] ?? 0 });
  console.log(
    JSON.stringify({ sent, ...Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, of(pid)])) }),
  );
}

await (process.argv[2] === 'attack' ? attack() : main());
