/**
 * Imported before the simulator in a process of its own: plants the bug that the environment names.
 *
 * Owns    reading CMKMS_PLANTED; the shipped program knows no such name.
 */
import { register } from 'node:module';
import { plants } from './index.js';

const name = process.env['CMKMS_PLANTED'];
const plant = plants.find((one) => one.name === name);
if (plant === undefined) throw new Error(`no planted bug is called ${name}`);
register('./hooks.js', import.meta.url, { data: plant.patches });
