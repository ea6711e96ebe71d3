"use strict";

// What the page holds, unpacked: nights and events at once, the minutes of a night when it is opened.

const MINUTE = 60, DAY = 86400, NO_CLASS = 255;

function embedded(id) {
  return document.getElementById(id).textContent;
}

async function unpack(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = characters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpackText(text) {
  return new TextDecoder().decode(await unpack(text));
}

const INDEX = JSON.parse(embedded("index-data"));
const NIGHTS = readNights();
const NIGHT_OF_ID = new Map(NIGHTS.map((night) => [night.id, night]));
let EVENTS = [];

function readNights() {
  const columns = INDEX.nights;
  return (columns.name ?? []).map((name, number) => {
    const camera = INDEX.cameras[columns.camera[number]];
    const [sha256, weightsName, weightsKind] = INDEX.weights[columns.weights[number]];
    const [version, precision, salvage] = INDEX.makers[columns.maker[number]];
    return {
      number, name, camera, id: `${name}/${camera}`,
      site: INDEX.sites[columns.site[number]],
      day: columns.day[number],
      start: columns.day[number] ? Date.parse(columns.day[number]) / 1000 : null,
      classes: INDEX.class_sets[columns.class_set[number]],
      frames: columns.frames[number],
      hours: columns.frames[number] * 3 / 3600,
      counts: columns.counts[number],
      minutes: columns.minutes[number],
      first: columns.first[number], last: columns.last[number],
      confidence: columns.confidence[number],
      weights: {sha256, name: weightsName, kind: weightsKind}, version, precision, salvage,
      model: INDEX.models[columns.model[number]],
      problems: columns.problems[number],
      faults: [], events: [],
    };
  });
}

for (const [number, file, reason] of INDEX.faults) NIGHTS[number].faults.push({file, reason});

async function loadEvents() {
  const {columns, hashes} = JSON.parse(await unpackText(embedded("events-data")));
  EVENTS = (columns[0] ?? []).map((_, place) => readEvent(columns.map((column) => column[place]), hashes));
  for (const event of EVENTS) event.night.events.push(event);
}

function readEvent(values, hashes) {
  const [number, classNumber, start, seconds, frames, p, raw, flicker, mltStart, mltEnd, mlat, flags, hash, model, network] = values;
  const night = NIGHTS[number];
  const part = (value, steps) => (value === null ? null : value / steps);
  return {
    night, seconds, startSecond: start,
    event_id: `${night.camera}_${compactTime(start)}_${night.classes[classNumber]}`,
    site: night.site, camera: night.camera,
    start: isoTime(start), end: isoTime(start + seconds),
    duration_min: Math.round(seconds * 100 / 60) / 100,
    observed_min: frames * 3 / 60, frames,
    class: night.classes[classNumber],
    p_mean: part(p, 10000), raw_fraction: part(raw, 10000), flicker: part(flicker, 10000),
    mlt_start: part(mltStart, 100), mlt_end: part(mltEnd, 100), mlat: part(mlat, 10),
    start_censored: Boolean(flags & 1), end_censored: Boolean(flags & 2),
    site_validated: Boolean(flags & 4), quality: flags & 8 ? "good" : "doubtful",
    weights_sha256: hashes[hash], model_id: INDEX.models[model],
    network_p_mean: part(network, 10000),
  };
}

let packedMinutes = null, thumbnails = null;

// The minutes of a night: {file, problems, outside, times (ms), counts, probabilities (a row a class), likeliest}
async function loadMinutes(night) {
  packedMinutes ??= JSON.parse(embedded("minutes-data"));
  const bytes = await unpack(packedMinutes[night.number]);
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const [file, problems, first, minutes, outside] = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let place = 4 + length;
  const plane = () => bytes.subarray(place, (place += minutes));
  const counts = night.classes.map(plane);
  const probabilities = night.classes.map(plane).map((changes) => {
    let sum = 0;
    return Array.from(changes, (change) => (sum = (sum + change) % 256) / 100);
  });
  const times = Array.from({length: minutes}, (_, minute) => (night.start + (first + minute) * MINUTE) * 1000);
  return {file, problems, outside, times, counts, probabilities, likeliest: plane()};
}

function thumbnailOf(night) {
  thumbnails ??= JSON.parse(embedded("thumbnails-data"));
  return thumbnails[night.number] ? `data:image/webp;base64,${thumbnails[night.number]}` : "";
}

// Expected minutes of a class in a night; null where there are no frames, or the network does not know the class.
function minutesOf(night, name) {
  const place = night.classes.indexOf(name);
  return place < 0 || !night.frames ? null : night.minutes[place];
}
