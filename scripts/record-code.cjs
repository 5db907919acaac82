// Loaded before the program (NODE_OPTIONS) by code-cache.mjs: when the process ends, what V8 has compiled of each
// bundle goes to the folder CODE_PARTS.
const { writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const vm = require('node:vm');

const scripts = [];
vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options);
    if (/\/chunks\/[^/]+\.cjs$/.test(options?.filename))
      scripts.push({ name: basename(options.filename), script: this });
  }
};
process.on('exit', () => {
  for (const { name, script } of scripts)
    writeFileSync(
      join(process.env.CODE_PARTS, `${process.hrtime.bigint()}-${process.pid}_${name}`),
      script.createCachedData(),
    );
});
