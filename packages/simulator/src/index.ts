/**
 * What other rooms may use of this one.
 *
 * Owns    the list.
 */
export { EventLoop } from './event-loop.js';
export { Random } from './random.js';
export { Timeline } from './timeline.js';
