/**
 * Reads Prometheus' text format, written apart from the code that prints it.
 *
 * Owns    samples by name and sorted labels; comments are skipped.
 */
export type Samples = ReadonlyMap<string, number>;

export function sampleName(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((label) => `${label}="${labels[label]}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

export function parseSamples(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const parts = /^([a-z_A-Z0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (parts === null) throw new Error(`not a sample: ${line}`);
    const [, name = '', pairs = '', value = ''] = parts;
    const labels = [...pairs.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [
      label,
      text,
    ]);
    samples.set(sampleName(name, Object.fromEntries(labels)), Number(value));
  }
  return samples;
}
