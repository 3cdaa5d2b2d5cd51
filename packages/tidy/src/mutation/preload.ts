/**
 * Loaded before each test file of a mutation run.
 *
 * Owns    the seed of all properties, so that the same mutants survive on every machine.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: 1 });
