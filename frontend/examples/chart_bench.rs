//! The chart as a bench sees it: `window.chartBench.create({host, series, points, width, height, windowS, data, k,
//! total})` gives `{push(), draw(), redraw(), free()}`, made from the product's own drawing code.
//!
//! `data` is one Float64Array of `total` values per series, evenly spaced, `points` of them in a window of `windowS`
//! seconds; values run from -1.5 to 1.5. `push` moves on by `k` points, and begins again when the data ends; `draw`
//! issues that frame's drawing and returns; `redraw` draws every line anew, while the value axis and the time labels stay
//! on their own layers for as long as they are right; `free` gives the memory back. Each of them may be called by itself,
//! without its object. Without a `host` the chart makes one at the document's end. An example, not a binary, so that
//! nothing of it can get into the product.

use std::cell::RefCell;
use std::iter::successors;

use js_sys::{Array, Float64Array, Function, Object, Reflect};
use signalbox_frontend::chart::axis_range::ValueRange;
use signalbox_frontend::chart::observers::{device_pixel_ratio, look_of};
use signalbox_frontend::chart::paint::Line;
use signalbox_frontend::chart::palette::color_of;
use signalbox_frontend::chart::plot::{Frame, Plot};
use signalbox_frontend::chart::series::{Room, Series};
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

/// The time of the first point, in milliseconds since the Unix epoch; any will do.
const BEGIN_MS: f64 = 1.7e12;
/// Values that are taken over from JavaScript at once: a call across the border for each would cost more than its place
/// in the ring.
const CHUNK: usize = 4_096;
/// Elements that a chart's picture adds to its host.
const N_LAYERS: usize = 3;

/// One chart under measurement.
#[wasm_bindgen]
pub struct ChartBench {
    host: HtmlElement,
    plot: Plot,
    series: Vec<Series>,
    data: Vec<Float64Array>,
    room: Room,
    n_pushed: usize,
    k: usize,
    total: usize,
    interval_ms: f64,
    window_ms: f64,
}

#[wasm_bindgen]
impl ChartBench {
    /// Builds the chart and fills its window.
    ///
    /// # Errors
    /// When an option is missing or of the wrong kind.
    pub fn create(options: &JsValue) -> Result<Self, JsValue> {
        if !options.is_object() {
            return Err("create takes an object of options".into());
        }
        let number = |name: &str, least: f64| -> Result<f64, JsValue> {
            let value = Reflect::get(options, &name.into())?.as_f64().filter(|value| least <= *value);
            value.ok_or_else(|| format!("{name} must be a number, {least} or more").into())
        };
        let (width, height) = (number("width", 1.0)?, number("height", 1.0)?);
        let (points, n_series) = (number("points", 1.0)? as usize, number("series", 1.0)? as usize);
        let (k, total) = (number("k", 0.0)? as usize, number("total", 1.0)? as usize);
        let window_ms = number("windowS", 1e-3)? * 1e3;
        let data = columns(&Reflect::get(options, &"data".into())?, n_series)?;
        // Data that is shorter than it is said to be begins again that much sooner.
        let total = data.iter().map(|column| column.length() as usize).fold(total, usize::min);
        if data.len() < n_series || total == 0 {
            return Err(format!("data must be {n_series} columns of values").into());
        }
        let host = host(Reflect::get(options, &"host".into())?, width, height)?;
        let ratio = device_pixel_ratio();
        let (inks, family) = look_of(&host);
        let mut plot = Plot::new(&host, &family, inks)?;
        let px = |css: f64| (css * ratio).round() as i32;
        plot.resize(px(width), px(height), ratio);
        let mut bench = Self {
            host,
            plot,
            series: vec![Series::new(points + 2); data.len()],
            data,
            room: Room::new(usize::MAX),
            n_pushed: 0,
            k,
            total,
            interval_ms: window_ms / points as f64,
            window_ms,
        };
        bench.move_on(points);
        Ok(bench)
    }

    /// Moves on by `k` points.
    pub fn push(&mut self) {
        self.move_on(self.k);
    }

    fn move_on(&mut self, n_points: usize) {
        let mut values = [0.0; CHUNK];
        let end = self.n_pushed + n_points;
        while self.n_pushed < end {
            let from = self.n_pushed % self.total;
            let n = (end - self.n_pushed).min(self.total - from).min(CHUNK);
            for (series, column) in self.series.iter_mut().zip(&self.data) {
                column.subarray(from as u32, (from + n) as u32).copy_to(&mut values[..n]);
                for (i, value) in (self.n_pushed..).zip(&values[..n]) {
                    series.push(BEGIN_MS + i as f64 * self.interval_ms, *value, &mut self.room);
                }
            }
            self.n_pushed += n;
        }
    }

    /// Issues the drawing of this frame.
    pub fn draw(&mut self) {
        let theme = self.plot.theme();
        let lines: Vec<Line<'_>> = self
            .series
            .iter()
            .enumerate()
            .map(|(id, series)| Line { id: id as u64, color: color_of("", id, theme), series })
            .collect();
        let edge_ms = BEGIN_MS + (self.n_pushed - 1) as f64 * self.interval_ms;
        self.plot.draw(&Frame {
            lines: &lines,
            window_ms: self.window_ms,
            edge_ms,
            steady_ms: edge_ms,
            utc_offset_ms: 0,
            fixed: Some(ValueRange { min: -1.5, max: 1.5 }),
            moves_for_ms: 0.0,
            is_calm: true,
        });
    }

    /// As [`Self::draw`], as if no line had been drawn before.
    pub fn redraw(&mut self) {
        self.plot.forget_lines();
        self.draw();
    }
}

fn host(given: JsValue, width: f64, height: f64) -> Result<HtmlElement, JsValue> {
    let host = match given.dyn_into::<HtmlElement>() {
        Ok(host) => host,
        Err(_) => {
            let document = web_sys::window().and_then(|window| window.document()).ok_or("no document")?;
            let host: HtmlElement = document.create_element("div")?.unchecked_into();
            document.body().ok_or("no body")?.append_child(&host)?;
            host
        }
    };
    let style = host.style();
    style.set_property("position", "relative")?;
    style.set_property("width", &format!("{width}px"))?;
    style.set_property("height", &format!("{height}px"))?;
    Ok(host)
}

/// The first `n` columns; each is copied unless it is a Float64Array already.
fn columns(data: &JsValue, n: usize) -> Result<Vec<Float64Array>, JsValue> {
    let as_floats = |column: JsValue| match column.dyn_into::<Float64Array>() {
        Ok(column) => column,
        Err(other) => Float64Array::new(&other),
    };
    if !data.is_object() {
        return Err("data must be an array of columns".into());
    }
    Ok(Array::from(data).iter().take(n).map(as_floats).collect())
}

/// The chart's functions, each bound to it: who measures takes them out of their object first.
fn bound(bench: ChartBench) -> Result<Object, JsValue> {
    let (bench, object) = (JsValue::from(bench), Object::new());
    for name in ["push", "draw", "redraw", "free"] {
        let function: Function = Reflect::get(&bench, &name.into())?.dyn_into()?;
        Reflect::set(&object, &name.into(), &function.bind0(&bench))?;
    }
    Ok(object)
}

/// A chart that stays for as long as its host is in the document, also when nobody holds its functions any more: without
/// this it would be gone at the next collection of garbage, and its picture with it.
struct Standing {
    host: HtmlElement,
    layers: Vec<Element>,
    _functions: Object,
}

/// What `create` does: a chart in a host that has one takes its place.
fn create(standing: &mut Vec<Standing>, options: &JsValue) -> Result<Object, JsValue> {
    let bench = ChartBench::create(options)?;
    let host = bench.host.clone();
    standing.retain(|old| {
        let is_replaced = old.host == host;
        if is_replaced {
            old.layers.iter().for_each(Element::remove);
        }
        !is_replaced && old.host.is_connected()
    });
    let layers = successors(host.last_element_child(), Element::previous_element_sibling);
    let layers = layers.take(N_LAYERS).collect();
    let functions = bound(bench)?;
    standing.push(Standing { host, layers, _functions: functions.clone() });
    Ok(functions)
}

fn main() -> Result<(), JsValue> {
    let (bench, standing) = (Object::new(), RefCell::new(Vec::new()));
    let create = Closure::<dyn Fn(JsValue) -> Result<Object, JsValue>>::new(move |options: JsValue| {
        create(&mut standing.borrow_mut(), &options)
    });
    Reflect::set(&bench, &"create".into(), &create.into_js_value())?;
    Reflect::set(&js_sys::global(), &"chartBench".into(), &bench)?;
    Ok(())
}
