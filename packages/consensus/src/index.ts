export * from './core/types.js';
export * from './errors.js';
export * from './storage.js';
export * from './transport.js';
