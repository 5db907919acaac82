// Judges a run's capture again without hashing it: codec, token search and verdict.
import { addBatch, finishJudging, startJudging } from '../../build/core/judge/judge.js';
import { parseFolder } from '../../build/system/evidence/folder/parse-folder.js';
import { readCapture } from '../../build/system/evidence/read/read-capture.js';
import { printPeak } from '../frame/peak.mjs';

printPeak();
const [dir] = process.argv.slice(2);
const judging = startJudging(await parseFolder(dir));
for await (const item of readCapture(`${dir}/evidence.pcapng`, { fleeting: true }))
  if (item.kind === 'batch') addBatch(judging, item);
console.log(finishJudging(judging, { sha256: null, files: [] }).verdict);
