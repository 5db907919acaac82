// Runs the scenario of this folder in the lab, each step under the attack that its name says, and prints the result: node program.mjs FILE OUT
import { readFileSync } from 'node:fs';
import { insideLab, launchInside, statusOf } from '../../dist/fabric/lab/launch.js';

const [file, outDir] = process.argv.slice(2);

async function inside() {
  const [{ enterLab }, { kernelDevices }, { runScenario }, { loadScenario }, { attacks, probesIn }] = await Promise.all([
    import('../../dist/fabric/lab/enter.js'), import('../../dist/run/devices.js'), import('../../dist/run.js'), import('../../dist/scenario/load-scenario.js'), import('./attacks.mjs'),
  ]);
  const here = enterLab((signal) => process.exit(statusOf(signal)));
  const scenario = loadScenario(file, readFileSync(file));
  let step = -1;
  let fastest = 0;
  const devices = {
    ...kernelDevices,
    async startSender(places) {
      step += 1;
      const { act, late = false } = attacks[scenario.steps[step].name];
      const sender = await kernelDevices.startSender(places);
      let attacked = 0;
      return { ...sender, async send(socket, frames, length, perSecond) {
        if (socket.startsWith('ear:')) fastest = Math.max(fastest, perSecond ?? Infinity);
        const probes = socket === 'send:alice' && frames.length > length ? probesIn({ frames, length }) : [];
        const attack = async () => {
          attacked += 1;
          await act({ probes, send: (at, some, each, rate = null) => sender.send(at, some, each, rate) });
        };
        if (probes.length > 0 && !late) await attack();
        const outcome = await sender.send(socket, frames, length, perSecond);
        if (probes.length > 0 && late) await attack();
        if (socket === 'send:alice' && attacked === 0 && frames.length > length) throw new Error('the attack did not take place');
        return outcome;
      } };
    },
  };
  const { result } = await runScenario(scenario, {
    outDir, runId: 'hostile', inside: here, engine: 'libpcap', toolVersion: 'test', onProgress: () => undefined, signal: new AbortController().signal, devices,
  });
  process.stdout.write(JSON.stringify({ result, fastest }));
}

if (insideLab()) {
  await inside();
  process.exit(0);
} else {
  process.exitCode = (await launchInside(process.argv.slice(2))).status;
}
