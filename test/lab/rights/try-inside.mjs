// Starts a helper as a run does, lets it be sealed, has attack.cjs try things inside it, and prints what it was told: JSON. `capture ENGINE` or `send`.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { captureInto } from '../../../build/system/capture/client.js';
import { startCaptureHelper } from '../../../build/system/capture/helper.js';
import { startSender } from '../../../build/system/inject/helper.js';
import { openSendingSocket } from '../../../build/system/inject/sender.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../build/system/kernel/namespaces.js';
import { openSharedFile } from '../../../build/system/kernel/fd-passing.js';
import { startHelper } from '../../../build/system/process/helper-process.js';

const [kind, engine] = process.argv.slice(2);
const dir = mkdtempSync('/tmp/try-inside-');
const attacked = (name, mode) => {
  mkdirSync(join(dir, name));
  chmodSync(join(dir, name), mode);
  return join(dir, name);
};
process.env.ATTACKED_FOLDER = attacked('own', 0o700);
process.env.ATTACKED_JOURNAL = attacked('journal', 0o700);
process.env.ATTACKED_SHARED = attacked('shared', 0o1777);
chmodSync(dir, 0o755);
process.env.NODE_OPTIONS = `--require=${fileURLToPath(new URL('attack.cjs', import.meta.url))}`;

const netnsFd = newNamespace(disableIpv6);
const netns = `/proc/self/fd/${netnsFd}`;
const ip = (...words) => inNamespaceFd(netnsFd, () => execFileSync('ip', words, { env: { PATH: process.env.PATH } }));
ip('link', 'add', 'vnet0', 'type', 'veth', 'peer', 'name', 'eth0');
ip('link', 'set', 'dev', 'eth0', 'up');
ip('link', 'set', 'dev', 'vnet0', 'up');

const statusOf = (pid) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Object.fromEntries(
    ['Uid', 'Gid', 'CapEff', 'NoNewPrivs', 'Seccomp'].map((name) => [
      name,
      new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1].split(/\s+/)[0] ?? '?',
    ]),
  );
};
/** Has the attack happen, and waits until it has been. */
async function attack(pid) {
  const status = statusOf(pid);
  process.kill(pid, 'SIGUSR2');
  await sleep(1000);
  return status;
}
const probe = Buffer.concat([Buffer.from('02000000000102000000000288b55649010203040000', 'hex'), Buffer.alloc(38)]);

async function capture() {
  const helper = await startCaptureHelper({ netns, runTag: 0x01020304 });
  const file = join(dir, 'capture.pcapng');
  const taking = await captureInto(helper, file);
  await taking.open([
    {
      observer: 'a',
      device: 'vnet0',
      watch: 'port',
      engine,
      macs: ['02:00:00:00:00:01'],
      filter: '',
      snaplen: 256,
      buffer: 8 << 20,
      description: '',
    },
  ]);
  const sealed = await taking.seal();
  const status = await attack(helper.process.pid);
  const sender = await startSender({ out: { device: 'vnet0', netns } });
  await sender.send('out', probe, probe.length, null);
  await sender.stop();
  await taking.mark('all');
  const { counters, written } = await taking.stop();
  const { stderr, status: ended } = await helper.process.ended;
  return { sealed, ended, status, stderr, counters: counters.a, written: written.a, owner: statSync(file).uid };
}
async function send() {
  const frames = openSharedFile();
  writeSync(frames, probe);
  const helper = await startHelper('send');
  helper.hand(frames);
  await helper.send({ type: 'frames' });
  helper.hand(openSendingSocket(netns));
  await helper.send({ type: 'adopt', socket: 'out' });
  const interfaceIndex = Number(/^(\d+): vnet0/m.exec(ip('-o', 'link').toString())?.[1]);
  const sent = async (id) => {
    const answer = helper.next('sent', (message) => message.id === id, 5000);
    const routes = [{ socket: 'out', interface: interfaceIndex, count: 1 }];
    await helper.send({ type: 'send', id, routes, length: probe.length, at: 0, bytes: probe.length, perSecond: null });
    const { accepted, error } = await answer;
    return { accepted, error };
  };
  const before = await sent(1);
  const status = await attack(helper.pid);
  const after = await sent(2);
  const { stderr, status: ended } = await helper.close();
  return { status, before, after, ended, stderr };
}

const { stderr = '', ...seen } = await (kind === 'capture' ? capture() : send());
rmSync(dir, { recursive: true, force: true });
const said = stderr.split('\n').find((line) => line.startsWith('{'));
console.log(JSON.stringify({ ...seen, said: said === undefined ? stderr : JSON.parse(said) }));
