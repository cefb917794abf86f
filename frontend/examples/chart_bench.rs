//! The chart as a bench sees it: `window.chartBench.create({host, series, points, width, height, windowS, data, k,
//! total})` gives `{push(), draw(), redraw()}`, made from the product's own drawing code.
//!
//! `data` is one Float64Array of `total` values per series, evenly spaced, `points` of them in a window of `windowS`
//! seconds; values run from -1.5 to 1.5. `push` moves on by `k` points, and begins again when the data ends; `draw`
//! issues that frame's drawing and returns; `redraw` draws every line anew, while the value axis and the time labels stay
//! on their own layers for as long as they are right. An example, not a binary, so that nothing of it can get into the
//! product.

use js_sys::{Array, Float64Array, Reflect};
use signalbox_frontend::chart::axis_range::ValueRange;
use signalbox_frontend::chart::observers::{device_pixel_ratio, look_of};
use signalbox_frontend::chart::paint::Line;
use signalbox_frontend::chart::palette::color_of;
use signalbox_frontend::chart::plot::{Frame, Plot};
use signalbox_frontend::chart::series::{Room, Series};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

/// The time of the first point, in milliseconds since the Unix epoch; any will do.
const BEGIN_MS: f64 = 1.7e12;

/// One chart under measurement.
#[wasm_bindgen]
pub struct ChartBench {
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
        let number = |name: &str| -> Result<f64, JsValue> {
            let value = Reflect::get(options, &name.into())?.as_f64();
            value.ok_or_else(|| format!("{name} must be a number").into())
        };
        let host = host(Reflect::get(options, &"host".into())?, number("width")?, number("height")?)?;
        let data = Array::from(&Reflect::get(options, &"data".into())?);
        let data = data.iter().map(|column| column.dyn_into()).collect::<Result<Vec<Float64Array>, _>>()?;
        let (points, window_ms) = (number("points")? as usize, number("windowS")? * 1e3);
        let ratio = device_pixel_ratio();
        let (inks, family) = look_of(&host);
        let mut plot = Plot::new(&host, &family, inks)?;
        let px = |css: f64| (css * ratio).round() as i32;
        plot.resize(px(number("width")?), px(number("height")?), ratio);
        let mut bench = Self {
            plot,
            series: vec![Series::new(points + 2); data.len()],
            data,
            room: Room::new(usize::MAX),
            n_pushed: 0,
            k: points,
            total: number("total")? as usize,
            interval_ms: window_ms / points as f64,
            window_ms,
        };
        bench.push();
        bench.k = number("k")? as usize;
        Ok(bench)
    }

    /// Moves on by `k` points.
    pub fn push(&mut self) {
        for (series, column) in self.series.iter_mut().zip(&self.data) {
            for n in self.n_pushed..self.n_pushed + self.k {
                let value = column.get_index((n % self.total) as u32);
                series.push(BEGIN_MS + n as f64 * self.interval_ms, value, &mut self.room);
            }
        }
        self.n_pushed += self.k;
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

fn main() -> Result<(), JsValue> {
    let bench = js_sys::Object::new();
    let create = Closure::<dyn Fn(JsValue) -> Result<ChartBench, JsValue>>::new(|options: JsValue| {
        ChartBench::create(&options)
    });
    Reflect::set(&bench, &"create".into(), &create.into_js_value())?;
    Reflect::set(&js_sys::global(), &"chartBench".into(), &bench)?;
    Ok(())
}
