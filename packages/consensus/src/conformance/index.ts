/** Suites that an implementation of one of this room's contracts must pass; they register tests of node:test. */
export * from './clock.js';
export * from './storage.js';
export * from './transport.js';
