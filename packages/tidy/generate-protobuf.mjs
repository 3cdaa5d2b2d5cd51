/**
 * Turns one .proto file into static code and its types: generate-protobuf.mjs <file.proto> <out without ending>.
 *
 * Owns    the options of the generator, the same for every room.
 * Never   run at run time: what ships is the generated code.
 */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pbjs from 'protobufjs-cli/pbjs.js';
import pbts from 'protobufjs-cli/pbts.js';

const [source, out] = process.argv.slice(2);
if (source === undefined || out === undefined) {
  console.error('usage: generate-protobuf.mjs <file.proto> <out without ending>');
  process.exit(2);
}

const modified = async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
const inputs = Math.max(await modified(source), await modified(fileURLToPath(import.meta.url)));
if ((await modified(`${out}.d.ts`)) > inputs) process.exit(0);

await mkdir(dirname(out), { recursive: true });
await promisify(pbjs.main)([
  ...['--target', 'static-module', '--wrap', 'es6', '--dependency', 'protobufjs/minimal.js'],
  // int64 as Long always: a height must stay exact up to 2^63-1.
  ...[
    '--force-long',
    '--no-create',
    '--no-verify',
    '--no-convert',
    '--no-delimited',
    '--no-typeurl',
    '--no-service',
  ],
  // A root of its own: rooms share one protobufjs, and must not share a name space.
  ...['--root', basename(out), '--keep-case', '--out', `${out}.js`, source],
]);
await promisify(pbts.main)(['--out', `${out}.d.ts`, `${out}.js`]);
const types = await readFile(`${out}.d.ts`, 'utf8');
// The generator writes CommonJS types for an ES module.
await writeFile(
  `${out}.d.ts`,
  types.replace('import Long = require("long");', 'import Long from "long";'),
);
