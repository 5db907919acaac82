import { readFileSync } from 'node:fs';
import { enterLab } from '../../dist/fabric/lab/enter.js';
import { statusOf } from '../../dist/fabric/lab/launch.js';
import { kernelDevices } from '../../dist/run/devices.js';
import { runScenario } from '../../dist/run.js';
import { loadScenario } from '../../dist/scenario/load-scenario.js';
import { barriers } from './barriers.mjs';
import { firstGate } from './first-gate.mjs';
import { senses } from './senses.mjs';

const here = enterLab((signal) => process.exit(statusOf(signal)));

/** The run with nothing broken, with a barrier or with a sense broken. */
export async function inside([file, kind, name, outDir]) {
  const gate = firstGate(loadScenario(file, readFileSync(file)));
  const scenario = kind === 'barrier' ? barriers[name](gate) : gate;
  const devices = kind === 'sense' ? senses[name](kernelDevices) : kernelDevices;
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
