export * from './core/types.js';
export * from './storage.js';
export * from './transport.js';
