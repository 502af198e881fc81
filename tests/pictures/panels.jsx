// Draws a dashboard's panels with the components that Grafana itself draws them with, without its server.
//
// `draw` gets the dashboard as its file has it, and for each panel what Prometheus answered. What Grafana's server and
// its panel plugins would do in between stands here: frames from answers, the standard field options, the grid.

import "@grafana/react-data-grid/lib/styles.css";
import * as React from "react";
import { createRoot } from "react-dom/client";
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  createTheme,
  dateTime,
  EventBusSrv,
  FieldColorModeId,
  FieldType,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  identityOverrideProcessor,
  renderMarkdown,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from "@grafana/data";
import { initPluginTranslations } from "@grafana/i18n";
import { BigValue, GlobalStyles, PanelChrome, PanelContextProvider, ThemeContext, TimeSeries, VizRepeater } from "@grafana/ui";
import { TableNG } from "@grafana/ui/unstable";
import { lastValueFrom } from "rxjs";

// As Grafana's grid has it.
const COLUMNS = 24, CELL = 30, GAP = 8;

const option = (path, isCustom = false) => ({
  id: isCustom ? `custom.${path}` : path, path, name: path, isCustom,
  process: identityOverrideProcessor, shouldApply: () => true, editor: () => null, override: () => null,
  getItemsCount: () => 1, settings: {},
});
const STANDARD = ["unit", "min", "max", "decimals", "noValue", "color", "thresholds", "mappings", "links", "displayName"];
const CUSTOM = ["axisSoftMax", "axisSoftMin", "fillOpacity", "lineWidth", "showPoints", "spanNulls", "stacking", "cellOptions", "width", "minWidth"];
standardFieldConfigEditorRegistry.setInit(() => [...STANDARD.map((path) => option(path)), ...CUSTOM.map((path) => option(path, true))]);
standardTransformersRegistry.setInit(() => [standardTransformers.organizeFieldsTransformer, standardTransformers.groupingToMatrixTransformer].map(
  (transformation) => ({ id: transformation.id, name: transformation.name, transformation: async () => transformation, editor: () => null }),
));

const LINE = {
  drawStyle: "line", lineInterpolation: "linear", lineWidth: 1, fillOpacity: 0, gradientMode: "none", showPoints: "auto",
  pointSize: 5, stacking: { mode: "none", group: "A" }, axisPlacement: "auto", scaleDistribution: { type: "linear" },
  hideFrom: { viz: false, legend: false, tooltip: false }, thresholdsStyle: { mode: "off" },
};

const named = (legend, metric) => legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? "");

const number = (text) => (text === undefined ? null : Number(text));

/** A frame for each series, with a point for each step; nothing where the answer has none. */
const overTime = ({ refId, legend, series }, { from, to, step }) => series.map(({ metric, values }) => {
  const known = new Map(values.map(([time, value]) => [Math.round(time), value]));
  const times = [];
  for (let time = from; time <= to; time += step) times.push(time);
  return frame(refId, legend, metric, times.map((time) => time * 1000), times.map((time) => number(known.get(Math.round(time)))));
});

const atOnce = ({ refId, legend, series }) => series.map(({ metric, value: [time, value] }) => frame(refId, legend, metric, [time * 1000], [number(value)]));

const frame = (refId, legend, metric, times, values) => ({
  refId, length: times.length,
  fields: [
    { name: "Time", type: FieldType.time, config: {}, values: times },
    { name: "Value", type: FieldType.number, labels: metric, config: { displayNameFromDS: named(legend, metric) }, values },
  ],
});

const asTable = ({ refId, series }) => {
  const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return [{
    refId, length: series.length,
    fields: [
      { name: "Time", type: FieldType.time, config: {}, values: series.map(({ value }) => value[0] * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, config: {}, values: series.map(({ metric }) => metric[label] ?? "") })),
      { name: "Value", type: FieldType.number, config: {}, values: series.map(({ value }) => number(value[1])) },
    ],
  }];
};

const framesOf = (answers, range) => answers.flatMap((answer) => ({ range: overTime, now: atOnce, table: asTable })[answer.form](answer, range));

const withOptions = (frames, panel, theme) => applyFieldOverrides({
  data: frames, fieldConfig: panel.fieldConfig, replaceVariables: (text) => text, theme, timeZone: "utc",
  fieldConfigRegistry: standardFieldConfigEditorRegistry,
});

/** Without what is not a number, as Grafana's panel does: a line has a gap there. */
const drawable = (frame) => ({
  ...frame, fields: frame.fields.map((field) => ({ ...field, values: field.values.map((value) => (Number.isFinite(value) ? value : null)) })),
});

const Lines = ({ panel, answers, range, theme, width, height }) => {
  const fieldConfig = {
    ...panel.fieldConfig,
    defaults: { color: { mode: FieldColorModeId.PaletteClassic }, ...panel.fieldConfig.defaults, custom: { ...LINE, ...panel.fieldConfig.defaults.custom } },
  };
  const frames = withOptions(framesOf(answers, range).map(drawable), { fieldConfig }, theme);
  const timeRange = { from: dateTime(range.from * 1000), to: dateTime(range.to * 1000), raw: { from: "", to: "" } };
  return <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={panel.options.legend} options={panel.options} />;
};

const Numbers = ({ panel, answers, range, theme, width, height }) => {
  const { options } = panel;
  const data = framesOf(answers, range);
  const values = () => getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: (text) => text, theme, data: withOptions(data, panel, theme), timeZone: "utc",
  });
  return <VizRepeater
    getValues={values} getAlignmentFactors={getDisplayValueAlignmentFactors} width={width} height={height} source={data}
    itemSpacing={3} renderCounter={0} autoGrid orientation={options.orientation}
    renderValue={({ value, alignmentFactors, width, height, count }) => <BigValue
      value={value.display} count={count} width={width} height={height} theme={theme} alignmentFactors={alignmentFactors}
      colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode} textMode={options.textMode} text={options.text} />}
  />;
};

const Rows = ({ panel, answers, range, theme, width, height }) => {
  const [frames, setFrames] = React.useState(null);
  React.useEffect(() => {
    lastValueFrom(transformDataFrame(panel.transformations ?? [], framesOf(answers, range), { interpolate: (text) => text })).then(setFrames);
  }, []);
  if (!frames) return null;
  const [data] = withOptions(frames, panel, theme);
  cacheFieldDisplayNames([data]);
  return <TableNG data={data} width={width} height={height} cellHeight="sm" fieldConfig={panel.fieldConfig} />;
};

const Words = ({ panel }) => <div className="markdown-html" dangerouslySetInnerHTML={{ __html: renderMarkdown(panel.options.content) }} />;

const NotPublished = ({ panel }) => <p>Grafana publishes no component for a {panel.type}.</p>;

const KINDS = { timeseries: Lines, stat: Numbers, table: Rows, text: Words };

const Panel = ({ panel, answers, range, theme, width }) => {
  const { x, y, w, h } = panel.gridPos;
  const column = (width + GAP) / COLUMNS;
  const place = { position: "absolute", left: x * column, top: y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP };
  if (panel.type === "row") return <h2 style={{ ...place, margin: 0, fontSize: 16, lineHeight: "30px" }}>{panel.collapsed ? "› " : "⌄ "}{panel.title}</h2>;
  const Kind = KINDS[panel.type] ?? NotPublished;
  return <div style={place} data-panel={panel.id}>
    <PanelChrome title={panel.title} description={panel.description} width={place.width} height={place.height} padding={panel.type === "stat" ? "none" : "md"}>
      {(innerWidth, innerHeight) => <Kind panel={panel} answers={answers[panel.id] ?? []} range={range} theme={theme} width={innerWidth} height={innerHeight} />}
    </PanelChrome>
  </div>;
};

window.draw = async ({ dashboard, answers, range, dark, width }) => {
  await initPluginTranslations("pictures");
  const theme = createTheme({ colors: { mode: dark ? "dark" : "light" } });
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const root = document.getElementById("root");
  root.style.cssText = `position: relative; margin: ${GAP}px; width: ${width - 2 * GAP}px; height: ${bottom * (CELL + GAP)}px`;
  document.body.style.background = theme.colors.background.canvas;
  createRoot(root).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider value={{ eventsScope: "pictures", eventBus: new EventBusSrv() }}>
        {dashboard.panels.map((panel) => <Panel key={panel.id} panel={panel} answers={answers} range={range} theme={theme} width={width - 2 * GAP} />)}
      </PanelContextProvider>
    </ThemeContext.Provider>,
  );
};
