// Starts a process that reads what others wrote, as a run does, says its number, and lives until it is killed: `judge` or `parse`.
import { startConfined } from '../../../build/system/process/confined-process.js';

const [task, folder] = process.argv.slice(2);
const { pid } = startConfined(task, task === 'judge' ? folder : null);
console.log(pid);
