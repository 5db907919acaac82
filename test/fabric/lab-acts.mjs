import { enterLab } from '../../dist/fabric/lab/enter.js';
import { statusOf } from '../../dist/fabric/lab/launch.js';

const inside = enterLab((signal) => process.exit(statusOf(signal)));
const acts = {
  where: () => console.log(JSON.stringify({ ...inside, pid: process.pid })),
  exit: (status) => process.exit(Number(status)),
  stay: () => { console.log('ready'); setInterval(() => undefined, 1000); },
};
export async function act([name, ...args]) {
  await acts[name](...args);
}
