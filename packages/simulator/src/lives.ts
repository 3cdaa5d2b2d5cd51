/**
 * The lives of the processes of a world: how they begin and how they end.
 *
 * Owns    starting, killing, power loss; and which of a replica's own ends the world has explained by what it did.
 * Never   forgives an end that nothing explains.
 */
import type { LogBatch } from '@cometkms/consensus';
import type { Trip } from './faults.js';
import type { Member } from './member.js';
import type { Random } from './random.js';
import type { Scene } from './scene.js';
import { arrivals } from './timeline.js';
import { Violation } from './violation.js';

/** Said by a replica that must not go on with this disk. */
const doubtCodes = new Set([
  'DISK_DOUBTED',
  'RECORD_DAMAGED',
  'CONSENSUS_LOG_DAMAGED',
  'CONSENSUS_LOG_UNREADABLE',
  'CONSENSUS_LOG_VERSION',
  'CONSENSUS_LOG_MISSING',
  'CONSENSUS_LOG_FOREIGN',
  'CONSENSUS_RECORD_UNKNOWN',
  'CONSENSUS_RECORD_MALFORMED',
  'SIGNER_WATERMARK_FOREIGN',
  'SIGNER_WATERMARK_VERSION',
  'SIGNER_STATE_DAMAGED',
]);
const diskCodes = new Set([
  'CONSENSUS_LOG_UNREADABLE',
  'CONSENSUS_LOG_FAILED',
  'SIGNER_WATERMARK_FAILED',
  'SIGNER_FILE_FAILED',
]);

const tripsUpon: Readonly<Record<Trip['upon'], (batch: LogBatch, leads: boolean) => boolean>> = {
  vote: ({ hard }) => hard?.votedFor != null,
  truncation: ({ truncateFrom }) => truncateFrom !== undefined,
  snapshot: ({ snapshot }) => snapshot !== undefined,
  reset: ({ resetLog, genesis }) => resetLog === true && genesis === undefined,
  entries: ({ entries = [] }) => entries.length > 0,
  genesis: ({ genesis }) => genesis !== undefined,
  lateMark: ({ marks = [] }, leads) => leads && marks.some(({ joined }) => joined),
};

/** Longer than most writes take. */
const failureMs = 2;

export class Lives {
  readonly #scene: Scene;
  readonly #hands: Random;
  /** Whether what lies in the homes explains it; then it was corrected. */
  explains: (code: string, chainId: string) => boolean = () => false;
  /** Its configuration lists others than it may; then that was corrected. */
  listDiffers: (member: Member, listed: readonly string[], names: readonly string[]) => boolean =
    () => false;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#hands = scene.seed.fork('hands');
  }

  startIn(member: Member, ms: number): void {
    member.cancelStart();
    member.cancelStart = this.#scene.timeline.plan(this.#scene.timeline.now + ms, arrivals, () => {
      if (member.replica.process !== null || member.doomed >= 3 || member.left) return;
      // An operator's tool may still wait for a slow disk.
      if (member.replica.disk.isInUse) {
        this.startIn(member, 100);
        return;
      }
      member.links = [];
      member.diskFailed = false;
      // Somebody starts the machine anew: with this disk no process can do anything.
      if (member.replica.disk.isReadOnly) member.replica.losePower();
      this.#scene.trace.add(`${member.replica.name} starts`);
      member.replica.start();
    });
  }

  gone(member: Member, how: 'killed' | 'powerLost' | 'stopped' | 'byItself'): void {
    const withTheMachine = how === 'powerLost';
    for (const link of member.links) link.died(withTheMachine);
    if (withTheMachine) member.station?.powerLost();
    else member.station?.killed();
    this.#scene.recording?.gone(member.replica.name);
    this.#scene.oracle.gone(this.#scene.where(member), how);
  }

  /** At once, if it runs; nothing starts it again by itself. */
  kill(member: Member): void {
    if (member.replica.process === null) return;
    member.replica.kill();
    this.gone(member, 'killed');
  }

  /** By itself: for what the world did to it, or for a broken promise of ours. */
  ended(member: Member, error: Error): void {
    const code = (error as { code?: string }).code ?? error.name;
    this.#scene.trace.add(`${member.replica.name} ends: ${code} ${error.message}`);
    this.gone(member, 'byItself');
    const { copyOf } = member;
    const isRefusedCopy = copyOf !== null && code === 'DISK_DOUBTED';
    const marred = member.marred || copyOf?.marred === true;
    const doubted = isRefusedCopy || (doubtCodes.has(code) && marred);
    const failed = diskCodes.has(code) && (member.diskFailed || marred);
    const wrongKey = code === 'SIGNER_SIGNATURE_WRONG' && member.keyFate === 'wrong';
    const { facts = {} } = error as {
      facts?: {
        readonly chainId?: string;
        readonly config?: readonly string[];
        readonly members?: readonly string[];
        readonly version?: number;
      };
    };
    const { chainId, config = [], members = [], version = 0 } = facts;
    const isCorrected =
      (chainId !== undefined && this.explains(code, chainId)) ||
      (code === 'MEMBERS_DIFFER' && this.listDiffers(member, config, members)) ||
      (code === 'CONSENSUS_RULES_UNKNOWN' && this.#needsLaterProgram(member, version));
    const removed = code === 'REMOVED' && this.#isRemoved(member);
    if (!doubted && !failed && !wrongKey && !isCorrected && !removed) {
      this.#scene.violation ??= new Violation(
        'a replica ends by itself only for what the world did to it',
        `${member.replica.name}: ${error.stack ?? error.message}`,
      );
      return;
    }
    if (isRefusedCopy) this.#scene.marks.mark('a copy is refused');
    // Nobody starts a copy again.
    if (copyOf !== null) return;
    this.#scene.watch.ended(code, member.replica.disk.capacityBytes < Number.POSITIVE_INFINITY);
    if (doubted) {
      member.doomed += 1;
      member.doomedUnder ??= this.#scene.oracle.memberships.current;
    }
    // For good; somebody may start it again (membership-work.ts), to the same end.
    if (removed) {
      member.left = true;
      return;
    }
    // An operator takes one after the other.
    this.startIn(member, isCorrected ? this.#hands.range(100, 3000) : 300);
  }

  /** A founder's was asked for before the rules were raised; a newcomer's home may have been made with an older one. */
  #needsLaterProgram({ replica }: Member, version: number): boolean {
    return replica.site.founders === null && replica.install(version);
  }

  #isRemoved({ id }: Member): boolean {
    const { departed = [] } = this.#scene.oracle.memberships.current ?? {};
    return departed.some((one) => one.id === id);
  }

  /** It has handed something to its log: a moment of its own to end in. */
  writes(member: Member, batches: readonly LogBatch[]): void {
    const { trip } = member;
    const leads = member.replica.process?.replica?.node.core?.role.kind === 'leader';
    if (trip === null || !batches.some((batch) => tripsUpon[trip.upon](batch, leads))) return;
    member.trip = null;
    const { how } = trip;
    if (how === 'writeError' || how === 'shortWrite') this.#failsNow(member, how);
    this.#scene.in(trip.afterMs, () => {
      if (this.#scene.isHealing) return;
      if (how === 'hang') member.replica.disk.hang(trip.downMs);
      else if (how === 'stall') this.stall(member, trip.downMs);
      else if (how === 'kill' || how === 'powerLoss') this.bringDown(member, how, trip.downMs);
    });
  }

  stall(member: Member, ms: number): void {
    const { process } = member.replica;
    if (process === null) return;
    process.loop.stall(ms);
    this.#scene.oracle.stalled(this.#scene.where(member), this.#scene.timeline.now + ms);
  }

  /** This very write, and whatever else it asks of its disk within that time. */
  #failsNow({ replica: { disk } }: Member, how: 'writeError' | 'shortWrite'): void {
    disk.rates = { ...disk.rates, [how]: 1 };
    this.#scene.in(failureMs, () => {
      disk.rates = { ...disk.rates, [how]: 0 };
    });
  }

  bringDown(member: Member, how: 'kill' | 'powerLoss' | 'stop', downMs: number): void {
    const { replica } = member;
    if (replica.process !== null && how === 'stop') {
      // A second signal changes nothing (cmkms/src/replica/start.ts).
      if (replica.process.replica?.stopping === true) return;
      const { loop } = replica.process;
      const isStill = (): boolean => replica.process?.loop === loop;
      void replica.stop().then(
        () => this.down(member, 'stopped', downMs),
        (error: Error) => {
          // A stop that fails ends the process all the same, and says why.
          if (!isStill()) return;
          replica.kill();
          this.ended(member, error);
        },
      );
      // Orderly, and by force where that takes too long.
      this.#scene.in(5000, () => {
        if (!isStill()) return;
        replica.kill();
        this.down(member, 'killed', downMs);
      });
      return;
    }
    if (replica.process === null) {
      if (how === 'powerLoss') replica.losePower();
      return;
    }
    this.#scene.failovers.striking(member, this.#scene.timeline.now);
    if (how === 'powerLoss') replica.losePower();
    else replica.kill();
    this.down(member, how === 'powerLoss' ? 'powerLost' : 'killed', downMs);
  }

  down(member: Member, how: 'killed' | 'powerLost' | 'stopped', downMs: number): void {
    if (member.replica.process !== null) return;
    this.gone(member, how);
    this.startIn(member, downMs);
  }
}
