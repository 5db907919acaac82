import { enterLab } from '../../dist/fabric/lab/enter.js';
import { statusOf } from '../../dist/fabric/lab/launch.js';
import { kernelDevices } from '../../dist/run/devices.js';
import { runScenario } from '../../dist/run.js';
import { without } from './barriers.mjs';
import { firstGate, gatesOnly, loadSmall } from './gates.mjs';
import { castOf, sensesOf } from './senses.mjs';

const here = enterLab((signal) => process.exit(statusOf(signal)));

/** The gates of a scenario with nothing broken or a barrier broken; or its first gate with a sense broken. */
export async function inside([file, kind, name, outDir]) {
  const whole = loadSmall(file);
  const scenario = kind === 'barrier' ? without(gatesOnly(whole), name) : kind === 'sense' ? firstGate(whole) : gatesOnly(whole);
  const devices = kind === 'sense' ? sensesOf(castOf(scenario))[name](kernelDevices) : kernelDevices;
  let said;
  try {
    const { result } = await runScenario(scenario, {
      outDir, runId: 'sabotage', inside: here, engine: 'libpcap', toolVersion: 'test', onProgress: () => undefined, signal: new AbortController().signal, devices,
    });
    said = { verdict: result.verdict, exitCode: result.exitCode, steps: result.steps.map(({ verdict, reasons }) => ({ verdict, reasons: reasons.map(({ code, observer, text }) => ({ code, observer, text })) })) };
  } catch (error) {
    if (error.code === undefined) throw error;
    said = { verdict: 'none', exitCode: error.exit, steps: [], error: `${error.code}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
  process.exit(0);
}
