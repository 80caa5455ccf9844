import { frame, HEIGHT, nameAxis, nameText, standingNameAxis, valueAxis, valueText } from '../common.ts';
import type { Draw } from '../drawing.ts';
import { boxModel, heatModel } from '../model.ts';
import { tip } from '../tip.ts';

const ROW_HEIGHT = 34;
const CELL_HEIGHT = 30;

interface Hit {
  readonly dataIndex: number;
  readonly color: string;
}

/** Distributions beside each other: boxes lie, so that their names can be read. */
export const drawBoxes: Draw = (widget, rows, look) => {
  const { boxes } = boxModel(widget, rows);
  const base = frame(look);
  const { palette, words } = look;
  const names = standingNameAxis(
    boxes.map(({ name }) => name),
    look,
  );
  const titles = [words.box.min, words.box.q1, words.box.median, words.box.q3, words.box.max];
  const said = (five: readonly number[]): { name: string; value: string }[] =>
    titles.map((name, i) => ({ name, value: valueText(five[i], widget.format, look) }));
  const option = {
    ...base,
    grid: { ...(base['grid'] as object), right: 24 },
    xAxis: { ...valueAxis(widget.format, look, true) },
    yAxis: names,
    tooltip: {
      ...(base['tooltip'] as object),
      trigger: 'item',
      formatter: ({ dataIndex }: Hit) =>
        tip(nameText(boxes[dataIndex]?.name ?? '', look), said(boxes[dataIndex]?.five ?? [])),
    },
    series: [
      {
        type: 'boxplot',
        boxWidth: [8, 20],
        itemStyle: { color: `${palette.series[0]}33`, borderColor: palette.series[0], borderWidth: 1.5 },
        data: boxes.map(({ five }) => [...five]),
      },
    ],
  };
  const marks = boxes.map(({ name, five }, index) => ({
    series: 0,
    index,
    text: `${nameText(name, look)}: ${said(five)
      .map((one) => `${one.name} ${one.value}`)
      .join(', ')}`,
  }));
  return { option, marks: [marks], height: Math.max(HEIGHT, boxes.length * ROW_HEIGHT + 50) };
};

/** Values by two columns, as colours. */
export const drawHeat: Draw = (widget, rows, look) => {
  const model = heatModel(widget, rows);
  const base = frame(look);
  const { palette } = look;
  const names = standingNameAxis(model.rows, look);
  const at = (index: number): string => {
    const cell = model.cells[index];
    return `${nameText(model.rows[cell?.row ?? 0] ?? '', look)}, ${nameText(model.columns[cell?.column ?? 0] ?? '', look)}`;
  };
  const option = {
    ...base,
    grid: { ...(base['grid'] as object), bottom: 44, right: 30 },
    xAxis: { ...nameAxis(model.columns, look), splitArea: { show: false } },
    yAxis: names,
    visualMap: {
      type: 'continuous',
      min: model.least,
      max: model.most,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemWidth: 10,
      itemHeight: 140,
      text: [valueText(model.most, widget.format, look), valueText(model.least, widget.format, look)],
      textStyle: { color: palette.quiet },
      inRange: { color: [...palette.scale] },
    },
    tooltip: {
      ...(base['tooltip'] as object),
      trigger: 'item',
      formatter: ({ dataIndex, color }: Hit) =>
        tip('', [{ color, name: at(dataIndex), value: valueText(model.cells[dataIndex]?.value, widget.format, look) }]),
    },
    series: [
      {
        type: 'heatmap',
        itemStyle: { borderColor: palette.surface, borderWidth: 1 },
        data: model.cells.map(({ column, row, value }) => [column, row, value]),
      },
    ],
  };
  const marks = model.rows.map((_, row) =>
    model.cells.flatMap((cell, index) =>
      cell.row === row
        ? [{ series: 0, index, text: `${at(index)}: ${valueText(cell.value, widget.format, look)}` }]
        : [],
    ),
  );
  return { option, marks, height: Math.max(HEIGHT, model.rows.length * CELL_HEIGHT + 80) };
};
