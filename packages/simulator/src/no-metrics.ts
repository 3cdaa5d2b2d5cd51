/**
 * Metrics that count nothing.
 *
 * Owns    being what a replica wants to be given, at no cost: the real ones take as long as a step of the core.
 * Never   is looked at: what the numbers say is proven in cmkms.
 */
import { Metrics } from 'cmkms/replica';

const nothing = { build: { version: 'simulated', commit: '' }, chains: [], peers: [] };

export class NoMetrics extends Metrics {
  constructor() {
    super(nothing, { processMetrics: false });
    this.stop();
  }

  override signRequest(): void {}
  override released(): void {}
  override reserved(): void {}
  override secondGateRefused(): void {}
  override selfVerifyFailed(): void {}
  override watermarkSynced(): void {}
  override pubKeyAnswered(): void {}
  override dialed(): void {}
  override badFrame(): void {}
  override validatorSpoke(): void {}
  override election(): void {}
  override leaderChanged(): void {}
  override peerRoundTrip(): void {}
  override stateChecked(): void {}
  override logSynced(): void {}
}
