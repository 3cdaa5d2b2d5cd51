/**
 * A report as pictures.
 *
 * Owns    what is drawn (by echarts, as SVG text, without a browser).
 * Never   shows a figure that is not in the report.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as echarts from 'echarts';
import type { Suite } from '../bench.js';
import { median, rounded } from '../statistics.js';
import { waterfall } from '../suites/stages.js';
import type { Report } from './report.js';

const SIZE = { width: 860, height: 440 };

/** @returns the names of the files, in `directory` */
export function writePlots(directory: string, suite: Suite, report: Report): readonly string[] {
  const { plot } = suite;
  if (plot === null) return [];
  if (plot === 'waterfall') {
    return report.systems.map(({ name }) => {
      const file = `${report.suite}-${name}.svg`;
      writeFileSync(join(directory, file), drawn(stagesOf(report, name)));
      return file;
    });
  }
  if (plot !== 'distribution') {
    const file = `${report.suite}.svg`;
    writeFileSync(join(directory, file), drawn(bars(report, plot.figure, plot.axis)));
    return [file];
  }
  return [...new Set(report.rows.map((row) => row.case))].map((name) => {
    const file = `${report.suite}-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`;
    writeFileSync(join(directory, file), drawn(distribution(report, name)));
    return file;
  });
}

function drawn(option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  chart.setOption({ animation: false, backgroundColor: '#fff', ...option });
  const text = chart.renderToSVGString();
  chart.dispose();
  return `${text}\n`;
}

/** The share of requests that took longer, against the time: tails are what a validator pays for. */
function distribution(report: Report, name: string): echarts.EChartsCoreOption {
  const series = report.systems.map(({ name: system, title }) => {
    const found = report.distributions.find((one) => one.system === system && one.case === name);
    const counts = found?.histogram ?? [];
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    let longer = total;
    const points = counts.map(([edge, count]) => {
      longer -= count;
      return [edge, rounded(longer / total)] as const;
    });
    // The last point would lie at zero, which has no place on this axis.
    return { name: title, data: points.filter(([, share]) => share > 0) };
  });
  return {
    title: { text: `${report.suite}: ${name}`, left: 'center' },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 40, bottom: 90 },
    xAxis: { type: 'log', name: 'ms', nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'log', name: 'share that took longer', nameLocation: 'middle', nameGap: 50 },
    series: series
      .filter(({ data }) => data.length > 0)
      .map((one) => ({ ...one, type: 'line', step: 'end', showSymbol: false })),
  };
}

/** From the first round: means of one run add up, medians of several do not. */
function stagesOf(report: Report, system: string): echarts.EChartsCoreOption {
  const row = report.rows.find((one) => one.system === system);
  const stages = waterfall(row?.figures ?? {}).toReversed();
  return {
    title: { text: `stages: ${system}`, left: 'center' },
    grid: { left: 110, right: 40, top: 40, bottom: 50 },
    xAxis: { type: 'value', name: 'ms', nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'category', data: stages.map(({ stage }) => stage) },
    series: [
      {
        type: 'bar',
        stack: 'one',
        silent: true,
        itemStyle: { color: 'transparent' },
        data: stages.map(({ from }) => rounded(from)),
      },
      {
        type: 'bar',
        stack: 'one',
        label: { show: true, position: 'right', formatter: '{c}' },
        data: stages.map(({ ms }) => rounded(ms)),
      },
    ],
  };
}

/** One figure, the median of its rounds, by case and system. */
function bars(report: Report, figure: string, axis: string): echarts.EChartsCoreOption {
  const cases = [...new Set(report.rows.map((row) => row.case))];
  return {
    title: { text: report.suite, left: 'center' },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 40, bottom: 90 },
    xAxis: { type: 'category', data: cases },
    yAxis: { type: 'value', name: axis, nameLocation: 'middle', nameGap: 50 },
    series: report.systems.map(({ name: system, title }) => ({
      name: title,
      type: 'bar',
      data: cases.map((name) => {
        const own = report.rows.filter((row) => row.system === system && row.case === name);
        const values = own.flatMap(({ figures }) => figures[figure] ?? []);
        return values.length === 0 ? null : rounded(median(values));
      }),
    })),
  };
}
