/**
 * The state files that a plain validator would start from: derived from applied state, on every replica.
 *
 * Owns    when they are written: within a second of a change, and at the stop.
 * Never   lowers a file, or decides by one: at start a file that is ahead is stated to the leader (registration.ts).
 * Proof   test/replica-state-files.test.ts.
 */

import type { SigningRecord } from '@cometkms/sign-state';
import {
  comparePosition,
  type Hrs,
  idKey,
  type Position,
  type RecordId,
} from '@cometkms/sign-state';
import { deriveStateFile, type Signed, writeStateFile } from '@cometkms/signer';
import type { Edges } from './edges.js';

/** A plain node that takes over wants a file that is at most this old. */
const WRITE_WITHIN_MS = 1000;

interface DerivedFile {
  readonly id: RecordId;
  readonly path: string;
  /** What the file says; nothing below it is ever written over it. */
  written: Position | null;
  lastSignature: (Signed & { readonly hrs: Hrs }) | null;
  dirty: boolean;
}

export class StateFiles {
  readonly #files = new Map<string, DerivedFile>();
  readonly #read: (id: RecordId) => SigningRecord | undefined;
  readonly #failed: (path: string, error: unknown) => void;
  readonly #edges: Pick<Edges, 'clock' | 'files'>;
  #cancelTimer: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** @param failed a file that could not be written is an operator's matter, never a reason not to sign */
  constructor(
    read: (id: RecordId) => SigningRecord | undefined,
    edges: Pick<Edges, 'clock' | 'files'>,
    failed: (path: string, error: unknown) => void,
  ) {
    this.#read = read;
    this.#failed = failed;
    this.#edges = edges;
  }

  /** @param found the position that the file had at start; null where there is none */
  add(id: RecordId, path: string, found: Position | null): void {
    this.#files.set(idKey(id), { id, path, written: found, lastSignature: null, dirty: true });
    this.#schedule();
  }

  /** The record of `id` changed. */
  changed(id: RecordId): void {
    const file = this.#files.get(idKey(id));
    if (file === undefined) return;
    file.dirty = true;
    this.#schedule();
  }

  /** This replica released it: the file may then carry sign bytes and signature, both. */
  released(id: RecordId, signature: Signed & { readonly hrs: Hrs }): void {
    const file = this.#files.get(idKey(id));
    if (file !== undefined) file.lastSignature = signature;
    this.changed(id);
  }

  /** Writes the file of `id` now. */
  async writeNow(id: RecordId): Promise<void> {
    this.changed(id);
    this.#write();
    await this.#writing;
  }

  /** Writes what is still to be written, and nothing afterwards. */
  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#write();
    await this.#writing;
  }

  #schedule(): void {
    this.#cancelTimer ??= this.#edges.clock.after(WRITE_WITHIN_MS, () => {
      this.#cancelTimer = null;
      this.#write();
    });
  }

  /** One at a time: two writers of one path could leave the older content. */
  #write(): void {
    for (const file of this.#files.values()) {
      if (!file.dirty) continue;
      file.dirty = false;
      this.#writing = this.#writing.then(() => this.#writeOne(file));
    }
  }

  async #writeOne(file: DerivedFile): Promise<void> {
    const record = this.#read(file.id);
    // Until the chain is registered the file is the operator's, and what registration starts from.
    if (record === undefined) return;
    const state = deriveStateFile(record, file.lastSignature);
    if (file.written !== null && comparePosition(state.position, file.written) < 0) return;
    try {
      await writeStateFile(file.path, state, this.#edges.files);
      file.written = state.position;
    } catch (error) {
      this.#failed(file.path, error);
    }
  }
}
