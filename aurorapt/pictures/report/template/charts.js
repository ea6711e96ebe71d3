// What all charts share: colours of the reader's light or dark, and plotly.js, which is unpacked once.

const DARK = matchMedia("(prefers-color-scheme: dark)");
const PLOT_OPTIONS = {displayModeBar: false, displaylogo: false, showSendToCloud: false, responsive: true, doubleClick: false};
const PAPER_WIDTH = 940; // pixels, of a sheet in landscape less its margins
let onPaper = false;

function isDark() {
  return DARK.matches && !onPaper;
}

async function loadPlotly() {
  const code = await unpackText(embedded("plotly-data"));
  byId("plotly-data").remove();
  document.head.append(element("script", {}, code));
}

function colours() {
  return isDark()
    ? {ink: "#e6e9ec", faint: "#3b444c", cursor: "#ffffff",
       minutes: ["#2f4254", "#7a4a12", "#d9861a", "#ffd27a", "#fff6da"], hours: ["#37424c", "#a9b8c6"]}
    : {ink: "#1d2327", faint: "#dde2e6", cursor: "#000000",
       minutes: ["#dce6ef", "#fbd591", "#ee9b2d", "#b4570d", "#5e2a06"], hours: ["#d3dae0", "#5a6874"]};
}

function scale(stops) {
  return stops.map((colour, place) => [place / (stops.length - 1), colour]);
}

function gradient(stops) {
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

function baseLayout(height) {
  const {ink} = colours();
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: {family: "system-ui, sans-serif", size: 12, color: ink},
    hoverlabel: {font: {family: "system-ui, sans-serif", size: 12}, align: "left"},
    height, showlegend: false, dragmode: false, ...(onPaper ? {width: PAPER_WIDTH, autosize: false} : {autosize: true}),
  };
}
